namespace Cogo.Core.Jobs;

/// <summary>The types that a worker knows.</summary>
public sealed class JobCatalog
{
    private readonly Dictionary<string, IJobHandler> _exact = new(StringComparer.Ordinal);
    private readonly List<(string Prefix, IJobHandler Handler)> _families = [];

    /// <exception cref="ArgumentException">Two handlers are of one type, or a type is neither a name nor a family.</exception>
    public JobCatalog(IEnumerable<IJobHandler> handlers)
    {
        ArgumentNullException.ThrowIfNull(handlers);
        foreach (var handler in handlers)
        {
            var type = handler.Type;
            if (type.EndsWith(".*", StringComparison.Ordinal) && type.Length > 2 && !type[..^1].Contains('*', StringComparison.Ordinal))
            {
                _families.Add((type[..^1], handler));
            }
            else if (type.Contains('*', StringComparison.Ordinal) || !_exact.TryAdd(type, handler))
            {
                throw new ArgumentException($"{handler.GetType().Name} is of type '{type}': a type is a name of its own, or a family such as browser.*.", nameof(handlers));
            }
        }

        // The longer prefix knows better.
        _families.Sort((one, other) => other.Prefix.Length.CompareTo(one.Prefix.Length));
        Types = [.. _exact.Keys.Concat(_families.Select(family => family.Prefix + "*")).Order(StringComparer.Ordinal)];
    }

    /// <summary>Names and families, in order.</summary>
    public IReadOnlyList<string> Types { get; }

    /// <summary>Null when no handler knows the type.</summary>
    public IJobHandler? Find(string type)
    {
        if (_exact.TryGetValue(type, out var handler))
        {
            return handler;
        }

        foreach (var (prefix, family) in _families)
        {
            if (type.StartsWith(prefix, StringComparison.Ordinal))
            {
                return family;
            }
        }

        return null;
    }
}
