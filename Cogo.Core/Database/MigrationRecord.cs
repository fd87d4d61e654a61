using Npgsql;

namespace Cogo.Core.Database;

/// <summary>Reads which migrations a database has, without changing it.</summary>
public sealed class MigrationRecord(NpgsqlDataSource source)
{
    /// <summary>Version and time of each applied migration; empty for a database that never was migrated.</summary>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<IReadOnlyDictionary<int, DateTimeOffset>> ReadAsync(CancellationToken cancellationToken)
    {
        var applied = new Dictionary<int, DateTimeOffset>();
        await using var command = source.CreateCommand("select version, applied_at from public.cogo_migrations order by version");
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                applied.Add(reader.GetInt32(0), reader.GetFieldValue<DateTimeOffset>(1));
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // A new database: nothing is applied.
        }

        return applied;
    }
}
