using Cogo.Core.Database;
using Npgsql;

namespace Cogo.Core.Audit;

/// <summary>A worker that left its name in the audit log lately.</summary>
/// <param name="LastSeenAt">Time of its last event, by the database's clock.</param>
public sealed record WorkerSeen(string Worker, string? Route, DateTimeOffset LastSeenAt);

/// <summary>What the database says about itself and the workers.</summary>
public sealed record DatabaseStatus(string PostgresVersion, IReadOnlyList<WorkerSeen> Workers);

/// <summary>Reads what an operator asks first. Cheap enough to be asked every second.</summary>
public sealed class SystemStatus(NpgsqlDataSource source)
{
    private static readonly string WorkersSeen = SqlText.Load("workers_seen");

    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<DatabaseStatus> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(WorkersSeen, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var workers = new List<WorkerSeen>();
        while (await reader.ReadAsync(cancellationToken))
        {
            workers.Add(new WorkerSeen(reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2)));
        }

        return new DatabaseStatus(connection.PostgreSqlVersion.ToString(), workers);
    }
}
