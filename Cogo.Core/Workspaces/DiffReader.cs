using System.Globalization;
using System.Text.RegularExpressions;

namespace Cogo.Core.Workspaces;

/// <summary>
/// Reads a diff line by line, counting each hunk's lines, so that nothing inside a hunk can pose as a header.
/// The text holds one char a byte.
/// </summary>
internal sealed partial class DiffReader(string text, int strip)
{
    private const string DevNull = "/dev/null";

    private readonly string[] _lines = text[..^1].Split('\n');
    private int _at;

    /// <summary>Whether names carry <c>a/</c> and <c>b/</c> (or the i/ w/ c/ o/ of mnemonic prefixes).</summary>
    public static bool HasPrefixes(string text) => !FileHeader().IsMatch(text) || PrefixedHeader().IsMatch(text);

    public List<FileDiff> Read()
    {
        var files = new List<FileDiff>();
        while (_at < _lines.Length)
        {
            var line = _lines[_at];
            if (line.StartsWith("diff --git ", StringComparison.Ordinal))
                files.Add(ReadGitFile());
            else if (IsTraditionalHeader())
                files.Add(ReadTraditionalFile());
            else if (line.StartsWith("@@ -", StringComparison.Ordinal))
                throw Malformed("a hunk without a file header before it");
            else
                _at++; // prose before and between the files, as in a mailed patch
        }

        return files;
    }

    private bool IsTraditionalHeader() =>
        _lines[_at].StartsWith("--- ", StringComparison.Ordinal)
        && _at + 2 < _lines.Length
        && _lines[_at + 1].StartsWith("+++ ", StringComparison.Ordinal)
        && _lines[_at + 2].StartsWith("@@ -", StringComparison.Ordinal);

    private FileDiff ReadGitFile()
    {
        var start = _at;
        var header = new GitHeader { Both = NameOfBoth(_lines[_at++]["diff --git ".Length..]) };
        while (_at < _lines.Length && ReadHeaderLine(header, _lines[_at]))
            _at++;

        var (plus, minus) = (0, 0);
        var (binary, withoutContent) = (false, false);
        if (_at < _lines.Length && _lines[_at] == "GIT binary patch")
        {
            binary = true;
            SkipBinary();
        }
        else if (_at < _lines.Length && _lines[_at].StartsWith("Binary files ", StringComparison.Ordinal))
        {
            (binary, withoutContent) = (true, true);
            _at++;
        }
        else
        {
            (plus, minus) = ReadHunks();
        }

        var isNew = header.Added || header.Old == DevNull;
        var isGone = header.Deleted || header.New == DevNull;
        var (old, @new) = (header.Old == DevNull ? null : header.Old, header.New == DevNull ? null : header.New);
        var path = (isGone ? old : header.To ?? @new ?? old) ?? header.Both
            ?? throw MalformedAt(start, "a file header that names no file");

        // Names that disagree would be read one way here and another way by git.
        if (header.From is null != header.To is null || (header.From is null && old is not null && @new is not null && old != @new))
            throw MalformedAt(start, "a file header whose names disagree");

        return new FileDiff
        {
            Path = path,
            OldPath = header.From,
            Change = header.Copied ? FileChange.Copied
                : header.From is not null ? FileChange.Renamed
                : isNew ? FileChange.Added
                : isGone ? FileChange.Deleted
                : FileChange.Modified,
            LinesAdded = plus,
            LinesRemoved = minus,
            IsBinary = binary,
            IsBinaryWithoutContent = withoutContent,
            Modes = header.Modes,
        };
    }

    /// <summary>False at the line after the header.</summary>
    private bool ReadHeaderLine(GitHeader header, string line)
    {
        string? After(string start) => line.StartsWith(start, StringComparison.Ordinal) ? line[start.Length..] : null;

        if ((After("old mode ") ?? After("new mode ")) is { } mode)
            header.Modes.Add(mode);
        else if (After("deleted file mode ") is { } deleted)
            (header.Deleted, header.Modes) = (true, [.. header.Modes, deleted]);
        else if (After("new file mode ") is { } added)
            (header.Added, header.Modes) = (true, [.. header.Modes, added]);
        else if ((After("copy from ") ?? After("rename from ") ?? After("rename old ")) is { } from)
            (header.From, header.Copied) = (Whole(from), line.StartsWith("copy", StringComparison.Ordinal));
        else if ((After("copy to ") ?? After("rename to ") ?? After("rename new ")) is { } to)
            header.To = Whole(to);
        else if (After("index ") is { } index)
            header.Modes.AddRange(index.Split(' ').Skip(1).Take(1));
        else if (After("--- ") is { } old)
            header.Old = Stripped(old);
        else if (After("+++ ") is { } @new)
            header.New = Stripped(@new);
        else if ((After("similarity index ") ?? After("dissimilarity index ")) is null)
            return false;

        RefuseCarriageReturn(line);
        return true;
    }

    private FileDiff ReadTraditionalFile()
    {
        var start = _at;
        RefuseCarriageReturn(_lines[_at]);
        var oldName = Stripped(_lines[_at++][4..]);
        RefuseCarriageReturn(_lines[_at]);
        var newName = Stripped(_lines[_at++][4..]);
        var (plus, minus) = ReadHunks();
        if (oldName == DevNull && newName == DevNull)
            throw MalformedAt(start, "a file header that names no file");
        if (oldName != newName && oldName != DevNull && newName != DevNull)
            throw MalformedAt(start, $"a file header whose names disagree ('{oldName}' and '{newName}'); a rename needs git's 'rename from' and 'rename to'");

        return new FileDiff
        {
            Path = newName == DevNull ? oldName : newName,
            Change = oldName == DevNull ? FileChange.Added : newName == DevNull ? FileChange.Deleted : FileChange.Modified,
            LinesAdded = plus,
            LinesRemoved = minus,
        };
    }

    private (int Plus, int Minus) ReadHunks()
    {
        var (plus, minus) = (0, 0);
        while (_at < _lines.Length && _lines[_at].StartsWith("@@ -", StringComparison.Ordinal))
        {
            var header = Hunk().Match(_lines[_at]);
            if (!header.Success)
                throw Malformed("a hunk header that is not '@@ -line,count +line,count @@'");

            var start = _at++;
            var oldLeft = Count(header.Groups["old"]);
            var newLeft = Count(header.Groups["new"]);
            while (oldLeft > 0 || newLeft > 0)
            {
                if (_at >= _lines.Length)
                    throw MalformedAt(start, "a hunk that ends before the lines its header counts");

                switch (_lines[_at] is "" or "\r" ? ' ' : _lines[_at][0])
                {
                    case ' ':
                        (oldLeft, newLeft) = (oldLeft - 1, newLeft - 1);
                        break;
                    case '-':
                        (oldLeft, minus) = (oldLeft - 1, minus + 1);
                        break;
                    case '+':
                        (newLeft, plus) = (newLeft - 1, plus + 1);
                        break;
                    case '\\':
                        break;
                    default:
                        throw Malformed("a line in a hunk that does not start with ' ', '+', '-' or '\\'");
                }

                _at++;
            }

            if (oldLeft < 0 || newLeft < 0)
                throw MalformedAt(start, "a hunk with more lines than its header counts");
            if (_at < _lines.Length && _lines[_at].StartsWith('\\'))
                _at++;
        }

        return (plus, minus);
    }

    private void SkipBinary()
    {
        _at++;
        while (_at < _lines.Length && BinaryHunk().IsMatch(_lines[_at]))
        {
            while (_at < _lines.Length && _lines[_at].Length > 0)
                _at++;
            if (_at < _lines.Length)
                _at++;
        }
    }

    /// <summary>In <c>diff --git a/x b/x</c> both names are the same; where they are not, other header lines name them.</summary>
    private string? NameOfBoth(string rest)
    {
        RefuseCarriageReturn(rest);
        if (rest.StartsWith('"'))
            return WithoutPrefix(GitQuoting.TryUnquote(rest, out _) ?? throw Malformed("a quoted name that does not end"));

        if (rest.EndsWith('"'))
        {
            var quote = rest.IndexOf(" \"", StringComparison.Ordinal);
            return quote < 0 ? null : WithoutPrefix(GitQuoting.Decode(rest.AsSpan(0, quote)));
        }

        if (rest.Length % 2 == 0 || rest[rest.Length / 2] != ' ')
            return null;

        var left = WithoutPrefix(GitQuoting.Decode(rest.AsSpan(0, rest.Length / 2)));
        return left == WithoutPrefix(GitQuoting.Decode(rest.AsSpan((rest.Length / 2) + 1))) ? left : null;
    }

    /// <summary>A name of a <c>---</c> or <c>+++</c> line; a tab ends it.</summary>
    private string Stripped(string raw)
    {
        var name = raw.StartsWith('"') ? Whole(raw) : GitQuoting.Decode(raw.Split('\t', 2)[0]);
        return name == DevNull ? name : WithoutPrefix(name) ?? throw Malformed($"the name '{name}', which lacks the 'a/' or 'b/' of the others");
    }

    /// <summary>A name that fills its line and carries no prefix.</summary>
    private string Whole(string raw) => !raw.StartsWith('"')
        ? GitQuoting.Decode(raw)
        : GitQuoting.TryUnquote(raw, out _) ?? throw Malformed("a quoted name that does not end");

    private string? WithoutPrefix(string name)
    {
        if (strip == 0)
            return name;
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? null : name[(slash + 1)..];
    }

    private void RefuseCarriageReturn(string line)
    {
        if (line.EndsWith('\r'))
            throw Malformed("a file header that ends in CR LF; save the patch with LF line ends");
    }

    private WorkspaceException Malformed(string what) => MalformedAt(_at, what);

    private static WorkspaceException MalformedAt(int line, string what) =>
        new(WorkspaceCodes.PatchMalformed, $"The patch cannot be read: line {line + 1} has {what}.");

    private int Count(Group group) => !group.Success ? 1
        : int.TryParse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count
        : throw Malformed("a hunk header with an impossible count");

    [GeneratedRegex(@"\A@@ -\d{1,9}(,(?<old>\d{1,9}))? \+\d{1,9}(,(?<new>\d{1,9}))? @@", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Hunk();

    [GeneratedRegex(@"\A(literal|delta) \d+\r?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BinaryHunk();

    [GeneratedRegex(@"^(diff --git |--- [^\n]+\n\+\+\+ )", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex FileHeader();

    [GeneratedRegex(@"^(diff --git ""?[abciow12]/[^\n]* ""?[abciow12]/|--- (""?[abciow12]/[^\n]*|/dev/null[^\n]*)\n\+\+\+ (""?[abciow12]/|/dev/null))", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex PrefixedHeader();

    private sealed class GitHeader
    {
        public string? Both { get; init; }

        public string? Old { get; set; }

        public string? New { get; set; }

        public string? From { get; set; }

        public string? To { get; set; }

        public List<string> Modes { get; set; } = [];

        public bool Added { get; set; }

        public bool Deleted { get; set; }

        public bool Copied { get; set; }
    }
}
