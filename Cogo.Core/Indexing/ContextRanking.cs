namespace Cogo.Core.Indexing;

/// <summary>Ranks what the index has for the words of a task. A word that few symbols have says more than one that many have.</summary>
internal sealed class ContextRanking(IReadOnlyDictionary<string, string> blobs)
{
    /// <summary>Matches of one word that are looked at.</summary>
    public const int Deepest = 400;

    private const int MostSymbols = 40;
    private const int MostFiles = 15;
    private const double WholeName = 2;

    private readonly Dictionary<string, List<long>> _symbolsOf = new(StringComparer.Ordinal);
    private readonly Dictionary<long, ContextSymbol> _symbols = [];
    private readonly Dictionary<string, List<string>> _filesOf = new(StringComparer.Ordinal);

    public void AddSymbol(string word, long id, ContextSymbol symbol, string blob)
    {
        if (blobs.GetValueOrDefault(symbol.Path) != blob)
            return;
        _symbols[id] = symbol;
        ListOf(_symbolsOf, word).Add(id);
    }

    public void AddFile(string word, string path, string blob)
    {
        if (blobs.GetValueOrDefault(path) == blob)
            ListOf(_filesOf, word).Add(path);
    }

    public CodeContext? Best(string? commit)
    {
        var scores = new Dictionary<long, double>();
        foreach (var (word, ids) in _symbolsOf)
        {
            foreach (var id in ids)
            {
                var whole = string.Equals(_symbols[id].Name, word, StringComparison.OrdinalIgnoreCase) ? WholeName : 1;
                scores[id] = scores.GetValueOrDefault(id) + (whole * Weight(ids.Count));
            }
        }

        var symbols = scores.OrderByDescending(one => one.Value).ThenBy(one => _symbols[one.Key].Path, StringComparer.Ordinal).ThenBy(one => _symbols[one.Key].Line)
            .Take(MostSymbols).Select(one => (Symbol: _symbols[one.Key], Score: one.Value)).ToList();
        var files = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var paths in _filesOf.Values)
        {
            foreach (var path in paths)
                files[path] = files.GetValueOrDefault(path) + Weight(paths.Count);
        }

        foreach (var (symbol, score) in symbols)
            files[symbol.Path] = files.GetValueOrDefault(symbol.Path) + (score / 2);
        var best = files.OrderByDescending(one => one.Value).ThenBy(one => one.Key, StringComparer.Ordinal).Take(MostFiles).Select(one => one.Key).ToList();
        return best.Count == 0 ? null : new CodeContext(commit, [.. symbols.Select(one => one.Symbol)], best);
    }

    private static double Weight(int matches) => 1 / (1 + Math.Log(matches));

    private static List<T> ListOf<T>(Dictionary<string, List<T>> lists, string word)
    {
        if (!lists.TryGetValue(word, out var list))
            lists[word] = list = [];
        return list;
    }
}
