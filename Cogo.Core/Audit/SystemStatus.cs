using Cogo.Core.Database;
using Npgsql;

namespace Cogo.Core.Audit;

/// <summary>A worker whose lease holds.</summary>
/// <param name="Routes">The routes it reads, as <c>service/role/shard</c>.</param>
/// <param name="SeenAt">Its last heartbeat, by the database's clock.</param>
public sealed record LiveWorker(string Worker, IReadOnlyList<string> Routes, DateTimeOffset StartedAt, DateTimeOffset SeenAt);

/// <summary>What the database says about itself and the workers.</summary>
public sealed record DatabaseStatus(string PostgresVersion, IReadOnlyList<LiveWorker> Workers);

/// <summary>Reads what an operator asks first. Cheap enough to be asked every second.</summary>
public sealed class SystemStatus(NpgsqlDataSource source)
{
    private static readonly string LiveWorkers = SqlQuery.Load("live_workers");

    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<DatabaseStatus> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(LiveWorkers, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var workers = new List<LiveWorker>();
        while (await reader.ReadAsync(cancellationToken))
        {
            workers.Add(new LiveWorker(
                reader.GetString(0),
                reader.GetFieldValue<string[]>(1),
                reader.GetFieldValue<DateTimeOffset>(2),
                reader.GetFieldValue<DateTimeOffset>(3)));
        }

        return new DatabaseStatus(connection.PostgreSqlVersion.ToString(), workers);
    }
}
