using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Cogo.Core.Database;

/// <summary>A numbered file of <c>Database/migrations</c>, such as <c>0001_bus.sql</c>.</summary>
public sealed partial record MigrationScript
{
    private const string Folder = "migrations/";
    private const string NoTransactionMark = "-- no-transaction";

    /// <param name="fileName"><c>NNNN_name.sql</c>.</param>
    /// <exception cref="ArgumentException">The name is of another shape.</exception>
    public MigrationScript(string fileName, string sql)
    {
        ArgumentNullException.ThrowIfNull(sql);
        var match = NamePattern().Match(fileName);
        if (!match.Success)
        {
            throw new ArgumentException($"'{fileName}' cannot be a migration: name it NNNN_name.sql, four digits from 0001 and a-z 0-9 _.", nameof(fileName));
        }

        FileName = fileName;
        Version = int.Parse(match.Groups["version"].ValueSpan, CultureInfo.InvariantCulture);
        Name = match.Groups["name"].Value;

        // A checkout with other line ends is the same migration.
        Sql = sql.TrimStart('\uFEFF').ReplaceLineEndings("\n");
        Checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));
        RunsInTransaction = !Sql.Split('\n', 2)[0].TrimEnd().Equals(NoTransactionMark, StringComparison.Ordinal);
    }

    public string FileName { get; }

    public int Version { get; }

    public string Name { get; }

    /// <summary>With LF at the ends of its lines.</summary>
    public string Sql { get; }

    /// <summary>SHA-256 of <see cref="Sql"/>, in lowercase hex.</summary>
    public string Checksum { get; }

    /// <summary>
    /// False when the first line is <c>-- no-transaction</c>: for the one statement that refuses to run in one,
    /// such as <c>create index concurrently</c>.
    /// </summary>
    public bool RunsInTransaction { get; }

    /// <summary>The migrations of this version of Cogo, in order.</summary>
    public static IReadOnlyList<MigrationScript> Embedded { get; } = LoadEmbedded();

    private static List<MigrationScript> LoadEmbedded()
    {
        var assembly = typeof(MigrationScript).Assembly;
        var scripts = new List<MigrationScript>();
        foreach (var resource in assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            scripts.Add(new MigrationScript(resource[Folder.Length..], reader.ReadToEnd()));
        }

        return scripts;
    }

    [GeneratedRegex(@"\A(?!0000)(?<version>[0-9]{4})_(?<name>[a-z0-9_]+)\.sql\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamePattern();
}
