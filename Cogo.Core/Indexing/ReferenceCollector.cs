namespace Cogo.Core.Indexing;

/// <summary>Gathers the uses of names in one file, line by line, within the bounds of <see cref="FileFacts"/>.</summary>
public sealed class ReferenceCollector
{
    private readonly Dictionary<string, (int Count, List<int> Lines)> _names = new(StringComparer.Ordinal);

    /// <param name="line">Not less than the line of the call before.</param>
    public void Add(string name, int line)
    {
        if (!_names.TryGetValue(name, out var known))
        {
            if (_names.Count >= FileFacts.MostNames)
                return;
            known = (0, []);
        }

        if (known.Lines.Count < FileFacts.MostLines && (known.Lines.Count == 0 || known.Lines[^1] != line))
            known.Lines.Add(line);
        _names[name] = (known.Count + 1, known.Lines);
    }

    public IReadOnlyList<CodeReference> ToList() => [.. _names.Select(one => new CodeReference(one.Key, one.Value.Count, one.Value.Lines))];
}
