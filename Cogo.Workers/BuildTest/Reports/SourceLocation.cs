using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Workers.BuildTest.Reports;

/// <summary>Finds the file and line of a failure in a stack trace or message; only files of the working copy count.</summary>
internal sealed partial class SourceLocation(string root)
{
    private readonly string _root = Path.GetFullPath(root).TrimEnd('/') + "/";

    private const int MaxTextLength = 50_000;
    private const int MaxPathLength = 512;
    private const int MaxFrames = 200;
    private const int MaxWords = 12;

    /// <summary>The first frame that lies in the working copy and not in fetched dependencies.</summary>
    public (string? File, int? Line) Find(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return (null, null);
        if (text.Length > MaxTextLength)
            text = text[..MaxTextLength];
        var frames = 0;
        foreach (Match match in LineNumbers().Matches(text))
        {
            if (++frames > MaxFrames)
                break;
            if (Before(text, match.Groups["extension"]) is { } file && int.TryParse(match.Groups["line"].Value, CultureInfo.InvariantCulture, out var line) && line > 0)
                return (file, line);
        }

        return (null, null);
    }

    /// <summary>
    /// The file whose name ends at <paramref name="extension"/>. A path may hold spaces and may follow words ("panicked
    /// at src/lib.rs:8"): the longest that exists.
    /// </summary>
    private string? Before(string text, Group extension)
    {
        var end = extension.Index + extension.Length;
        var start = extension.Index;
        while (start > 0 && end - start < MaxPathLength && !"\n\r\t\"'`()[]<>|".Contains(text[start - 1], StringComparison.Ordinal))
            start--;
        var words = text[start..end].Split(' ');
        for (var skipped = Math.Max(0, words.Length - MaxWords); skipped < words.Length; skipped++)
        {
            if (Relative(string.Join(' ', words.AsSpan(skipped))) is { } file)
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
    // Only the end is matched: a pattern for the whole path would go over a long line once for each of its characters.
    [GeneratedRegex("""(?<extension>\.\w{1,6})(:line |", line |:)(?<line>\d{1,9})""", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 2000)]
    private static partial Regex LineNumbers();
}
