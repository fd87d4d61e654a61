using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>Finds the file and line of a failure in a stack trace or message; only files of the working copy count.</summary>
internal sealed partial class SourceLocation(string root)
{
    private readonly string _root = Path.GetFullPath(root).TrimEnd('/') + "/";

    /// <summary>The first frame that lies in the working copy and not in fetched dependencies.</summary>
    public (string? File, int? Line) Find(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return (null, null);
        if (text.Length > 50_000)
            text = text[..50_000];
        foreach (Match match in Frames().Matches(text))
        {
            if (Named(match.Groups["file"].Value) is { } file && int.TryParse(match.Groups["line"].Value, CultureInfo.InvariantCulture, out var line))
                return (file, line);
        }

        return (null, null);
    }

    /// <summary>A path may hold spaces and may follow words ("panicked at src/lib.rs:8"): the longest that exists.</summary>
    private string? Named(string text)
    {
        for (var start = 0; start >= 0 && start < text.Length; start = text.IndexOf(' ', start) is var space and >= 0 ? space + 1 : -1)
        {
            if (Relative(text[start..]) is { } file)
                return file;
        }

        return null;
    }

    /// <summary>The path relative to the working copy, or null when it is no file of it.</summary>
    public string? Relative(string? file)
    {
        if (string.IsNullOrWhiteSpace(file) || file.Contains('\0', StringComparison.Ordinal))
            return null;
        if (file.StartsWith("file://", StringComparison.Ordinal))
            file = Uri.UnescapeDataString(file["file://".Length..]);
        var full = Path.GetFullPath(Path.Combine(_root, file));
        if (!full.StartsWith(_root, StringComparison.Ordinal) || !File.Exists(full))
            return null;
        var relative = full[_root.Length..];
        return relative.Contains("node_modules/", StringComparison.Ordinal) || relative.Contains("site-packages/", StringComparison.Ordinal) ? null : relative;
    }

    // .NET "in /x/A.cs:line 3", Python 'File "/x/a.py", line 3', and "/x/a.js:3:5", "a_test.go:3:", "tests/a.py:3: Error".
    [GeneratedRegex(
        """ in (?<file>[^\n]+?):line (?<line>\d+)|File "(?<file>[^"\n]+)", line (?<line>\d+)|(?<![\w./-])(?<file>(file://)?/?[\w@.+~/ -]*?[\w@+~-]+\.\w{1,5}):(?<line>\d+)""",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 2000)]
    private static partial Regex Frames();
}
