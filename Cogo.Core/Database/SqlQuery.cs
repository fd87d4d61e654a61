namespace Cogo.Core.Database;

/// <summary>The statements of <c>Database/queries/*.sql</c>, by name.</summary>
public static class SqlQuery
{
    /// <exception cref="InvalidOperationException">There is no such file.</exception>
    public static string Load(string name)
    {
        var resource = $"queries/{name}.sql";
        using var stream = typeof(SqlQuery).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"There is no statement '{name}': {resource} is not among the embedded resources.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
