using System.Globalization;
using System.Text;
using Cogo.Core.Workspaces;
using Cogo.Workers.BuildTest.Projects;
using Microsoft.Extensions.FileSystemGlobbing;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>What all reports of a run say together.</summary>
/// <param name="Reports">How many reports held test results, also none.</param>
/// <param name="Malformed">The first report that cannot be believed, in words; null: all can.</param>
internal sealed record CollectedReports(IReadOnlyList<TestCase> Cases, Coverage? Coverage, int Reports, string? Malformed)
{
    public static CollectedReports None { get; } = new([], null, 0, null);
}

/// <summary>
/// Finds the reports that the test stage wrote: all in the report folder, and in the working copy those that match the
/// plan and were not there before. A report that came with the repository is no evidence.
/// </summary>
internal sealed class ReportCollector
{
    /// <summary>More reports than that are refused.</summary>
    public const int MaxReports = 2000;

    /// <summary>More tests than that are refused.</summary>
    public const int MaxCases = 1_000_000;

    private readonly ProjectFolder _folder;
    private readonly ProjectPlan _plan;
    private readonly Dictionary<string, (DateTime Written, long Length)> _before;

    /// <summary>Remembers the reports that are there already. Call it right before the test stage.</summary>
    public ReportCollector(ProjectFolder folder, ProjectPlan plan)
    {
        _folder = folder;
        _plan = plan;
        _before = InWorkingCopy().ToDictionary(found => found.Path, found => Stamp(found.Path), StringComparer.Ordinal);
    }

    /// <summary>Reads all reports and keeps a copy of each in <paramref name="keep"/>, under names that an artifact can have.</summary>
    public CollectedReports Collect(string keep)
    {
        // What the test itself put there is not ours.
        FolderRemoval.Delete(keep);
        Directory.CreateDirectory(keep);
        var locations = new SourceLocation(_folder.Folder);
        List<TestCase> cases = [];
        var coverage = new CoberturaReport();
        var (reports, files) = (0, 0);
        string? malformed = null;
        foreach (var (path, shown, format) in Found())
        {
            if (++files > MaxReports || cases.Count > MaxCases)
            {
                malformed ??= $"There are more than {MaxReports} reports or {MaxCases} tests: let the tests write fewer, larger reports.";
                break;
            }

            Keep(path, Path.Combine(keep, files.ToString("D3", CultureInfo.InvariantCulture) + "-" + Sanitized(Path.GetFileName(shown))));
            try
            {
                if (ReportFile.Read(path, shown, format, locations, cases, coverage))
                    reports++;
            }
            catch (MalformedReportException e)
            {
                malformed ??= e.Message;
            }
        }

        return new CollectedReports(cases, coverage.Total, reports, malformed);
    }

    private IEnumerable<(string Path, string Shown, ReportFormat Format)> Found()
    {
        foreach (var path in RegularFiles(_folder.Reports).Order(StringComparer.Ordinal))
        {
            if (ReportFile.FormatOf(path) is { } format)
                yield return (path, Path.GetRelativePath(_folder.Reports, path), format);
        }

        foreach (var (path, format) in InWorkingCopy())
        {
            if (!_before.TryGetValue(path, out var stamp) || stamp != Stamp(path))
                yield return (path, Path.GetRelativePath(_folder.Folder, path), format);
        }
    }

    private List<(string Path, ReportFormat Format)> InWorkingCopy()
    {
        if (_plan.Reports.Count == 0)
            return [];
        List<(string Path, ReportFormat Format)> found = [];
        var matchers = _plan.Reports.Select(pattern => (Matcher: new Matcher(StringComparison.Ordinal).AddInclude(pattern.Glob), pattern.Format)).ToList();
        foreach (var path in RegularFiles(_folder.Folder))
        {
            var relative = Path.GetRelativePath(_folder.Folder, path);
            foreach (var (matcher, named) in matchers)
            {
                if (!matcher.Match(relative).HasMatches || (named ?? ReportFile.FormatOf(path)) is not { } format)
                    continue;
                found.Add((path, format));
                break;
            }
        }

        found.Sort((one, other) => string.CompareOrdinal(one.Path, other.Path));
        return found;
    }

    /// <summary>No links: a report may not point out of the folder, and a loop has no end.</summary>
    private static IEnumerable<string> RegularFiles(string folder)
    {
        var options = new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device, IgnoreInaccessible = true };
        var pending = new Stack<string>();
        // The test may have removed its report folder, or put a link in its place.
        if (new DirectoryInfo(folder) is { Exists: true, LinkTarget: null })
            pending.Push(folder);
        while (pending.TryPop(out var next))
        {
            foreach (var file in Directory.EnumerateFiles(next, "*", options))
                yield return file;
            foreach (var inner in Directory.EnumerateDirectories(next, "*", options))
            {
                if (Path.GetFileName(inner) is not (".git" or "node_modules"))
                    pending.Push(inner);
            }
        }
    }

    private static (DateTime Written, long Length) Stamp(string path)
    {
        var file = new FileInfo(path);
        return (file.LastWriteTimeUtc, file.Length);
    }

    private static void Keep(string path, string copy)
    {
        if (new FileInfo(path).Length is > 0 and <= ReportFile.MaxBytes)
            File.Copy(path, copy, overwrite: true);
    }

    private static string Sanitized(string name)
    {
        var result = new StringBuilder(name.Length);
        foreach (var c in name.Length <= 120 ? name : name[^120..])
            result.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_');
        return result.ToString();
    }
}
