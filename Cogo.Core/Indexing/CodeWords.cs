using System.Text;

namespace Cogo.Core.Indexing;

/// <summary>The words by which code is found: <c>ParseHttpDate2</c> is parsehttpdate2, parse, http and date2.</summary>
public static class CodeWords
{
    private const int Shortest = 2;
    private const int Longest = 64;
    private const int MostQueryWords = 32;

    // A tsvector has at most 1 MiB.
    private const int MostBytes = 1_000_000;
    private const int WordOverhead = 4;

    /// <summary>Of a name: the whole of it and its parts, in lower case, each once.</summary>
    public static IReadOnlyCollection<string> OfName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var words = new HashSet<string>(StringComparer.Ordinal);
        AddText(words, name, int.MaxValue);
        return words;
    }

    /// <summary>Of a file: of its path and its text, at most <see cref="FileFacts.MostWords"/>.</summary>
    public static IReadOnlyCollection<string> OfFile(string path, string text)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        AddText(words, path, FileFacts.MostWords);
        AddText(words, text, FileFacts.MostWords);
        var bytes = 0;
        return [.. words.TakeWhile(word => (bytes += Encoding.UTF8.GetByteCount(word) + WordOverhead) <= MostBytes)];
    }

    /// <summary>A tsquery for all words of a text, the last of which may be begun; null when it has none.</summary>
    public static string? Query(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var words = new List<string>();
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && IsWordPart(text[i]))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                if (i - start <= Longest)
                    words.Add(text[start..i].ToLowerInvariant());
                start = -1;
            }
        }

        return words.Count is 0 or > MostQueryWords ? null : string.Join(" & ", words) + ":*";
    }

    /// <summary>The identifiers of a text with their lines: the uses of names, where nothing better reads the language.</summary>
    public static IReadOnlyList<CodeReference> References(string text, IReadOnlyList<CodeSymbol> declared)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(declared);
        var declarations = declared.Select(symbol => (symbol.Name, symbol.Line)).ToHashSet();
        var found = new ReferenceCollector();
        var line = 1;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\n')
            {
                line++;
            }
            else if (IsWordStart(text[i]))
            {
                var start = i;
                while (i + 1 < text.Length && IsWordPart(text[i + 1]))
                    i++;
                var length = i + 1 - start;
                if (length is >= Shortest and <= FileFacts.LongestName && text.Substring(start, length) is var name && !declarations.Remove((name, line)))
                {
                    found.Add(name, line);
                }
            }
            else if (char.IsDigit(text[i]))
            {
                // 0xFF holds no name.
                while (i + 1 < text.Length && IsWordPart(text[i + 1]))
                    i++;
            }
        }

        return found.ToList();
    }

    internal static bool IsWordStart(char c) => char.IsLetter(c) || c == '_';

    internal static bool IsWordPart(char c) => char.IsLetterOrDigit(c) || c == '_';

    private static void AddText(HashSet<string> words, string text, int most)
    {
        var start = -1;
        for (var i = 0; i <= text.Length && words.Count < most; i++)
        {
            if (i < text.Length && IsWordPart(text[i]))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                AddWord(words, text.AsSpan(start, i - start));
                start = -1;
            }
        }
    }

    private static void AddWord(HashSet<string> words, ReadOnlySpan<char> word)
    {
        Add(words, word);
        var start = 0;
        for (var i = 1; i <= word.Length; i++)
        {
            if (i == word.Length || IsBorder(word, i))
            {
                if (i - start < word.Length)
                {
                    Add(words, word[start..i].Trim('_'));
                }

                start = i;
            }
        }
    }

    /// <summary>Before a capital after a small letter, before the last capital of several, and at an underscore.</summary>
    private static bool IsBorder(ReadOnlySpan<char> word, int at) =>
        word[at] == '_'
        || (char.IsUpper(word[at]) && (char.IsLower(word[at - 1]) || char.IsDigit(word[at - 1])))
        || (char.IsUpper(word[at]) && char.IsUpper(word[at - 1]) && at + 1 < word.Length && char.IsLower(word[at + 1]));

    private static void Add(HashSet<string> words, ReadOnlySpan<char> word)
    {
        if (word.Length is < Shortest or > Longest)
            return;
        Span<char> lower = stackalloc char[Longest];
        var length = word.ToLowerInvariant(lower);
        var lookup = words.GetAlternateLookup<ReadOnlySpan<char>>();
        lookup.Add(lower[..length]);
    }
}
