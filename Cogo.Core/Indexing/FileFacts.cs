namespace Cogo.Core.Indexing;

/// <summary>A file to be analyzed: text, whatever its bytes were.</summary>
/// <param name="Path">Relative to the project, with '/'.</param>
/// <param name="Blob">git's id of the content.</param>
public sealed record SourceFile(string Path, string Blob, int Bytes, ScopeLanguage Language, string Text);

/// <summary>Something that a file declares.</summary>
/// <param name="Kind">Such as <c>class</c> or <c>method</c>.</param>
/// <param name="Container">What it is declared in, with dots between; null at the top.</param>
/// <param name="Signature">As a person would write it; null where nothing is known beside the name.</param>
/// <param name="Line">1 for the first.</param>
public sealed record CodeSymbol(string Name, string Kind, string? Container, string? Signature, int Line, int? EndLine);

/// <summary>A name that a file uses.</summary>
/// <param name="Occurrences">All of them.</param>
/// <param name="Lines">Where, ascending, each once; cut at <see cref="FileFacts.MostLines"/>.</param>
public sealed record CodeReference(string Name, int Occurrences, IReadOnlyList<int> Lines);

/// <summary>What is known about a file.</summary>
/// <param name="Analyzer">Who read it, which may be less than the scope asked for.</param>
/// <param name="Note">Why it was not read as asked, in a sentence; null: it was.</param>
public sealed record FileFacts(
    SourceFile File, string Analyzer, string? Note, int Lines, IReadOnlyList<CodeSymbol> Symbols, IReadOnlyList<CodeReference> References, IReadOnlyCollection<string> Words)
{
    /// <summary>Bounds of what is kept of one file, so that none can fill the database.</summary>
    public const int MostSymbols = 20_000;
    public const int MostNames = 20_000;
    public const int MostWords = 20_000;
    public const int MostLines = 100;
    public const int LongestName = 200;
    public const int LongestSignature = 300;

    /// <summary>Facts about a file of which only the words are known.</summary>
    public static FileFacts ByFile(SourceFile file, string? note = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new FileFacts(file, ScopeLanguage.FileOnly, note, CountLines(file.Text), [], [], CodeWords.OfFile(file.Path, file.Text));
    }

    public static int CountLines(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length == 0 ? 0 : text.AsSpan().Count('\n') + (text[^1] == '\n' ? 0 : 1);
    }

    /// <summary>Whether a name can be kept: not empty, not endless, and storable.</summary>
    public static bool IsName(string? name) => name is { Length: > 0 and <= LongestName } && !name.Any(c => char.IsControl(c) || char.IsSurrogate(c));

    /// <summary>On one line, cut, and storable.</summary>
    public static string Tidy(string text, int longest)
    {
        ArgumentNullException.ThrowIfNull(text);
        var line = string.Join(' ', new string([.. text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)]).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= longest ? line : string.Concat(line.AsSpan(0, longest - 1), "…");
    }
}
