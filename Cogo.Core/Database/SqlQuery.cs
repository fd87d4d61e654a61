using System.Collections.Concurrent;

namespace Cogo.Core.Database;

/// <summary>The statements of <c>Database/queries</c>, embedded in this assembly.</summary>
public static class SqlQuery
{
    private const string Folder = "queries/";

    private static readonly ConcurrentDictionary<string, string> Loaded = new(StringComparer.Ordinal);

    /// <summary>The text of <c>queries/&lt;name&gt;.sql</c>, read once. Load into a static field: a wrong name then fails at start.</summary>
    /// <exception cref="ArgumentException">There is no such query; the message lists those there are.</exception>
    public static string Load(string name) => Loaded.GetOrAdd(name, Read);

    private static string Read(string name)
    {
        var assembly = typeof(SqlQuery).Assembly;
        using var stream = assembly.GetManifestResourceStream($"{Folder}{name}.sql");
        if (stream is null)
        {
            var names = assembly.GetManifestResourceNames()
                .Where(resource => resource.StartsWith(Folder, StringComparison.Ordinal))
                .Select(resource => Path.GetFileNameWithoutExtension(resource))
                .Order(StringComparer.Ordinal);
            throw new ArgumentException($"There is no Database/queries/{name}.sql. There are: {string.Join(", ", names)}.", nameof(name));
        }

        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
