using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Pipeline;

/// <summary>What an earlier message asked for, compared with a repeated request.</summary>
/// <param name="SameRequest">Both ask for the same, whatever they call the task.</param>
public sealed record SubmittedTask(string? TaskId, bool SameRequest);

/// <summary>Looks up what is on the bus already.</summary>
public sealed class SubmittedTasks(NpgsqlDataSource source)
{
    private static readonly string Find = SqlText.Load("find_submitted_task");

    /// <summary>Null when the message is gone.</summary>
    public async Task<SubmittedTask?> FindAsync(long messageId, string payload, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Find);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = messageId });
        command.Parameters.Add(new NpgsqlParameter { Value = payload, NpgsqlDbType = NpgsqlDbType.Jsonb });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new SubmittedTask(reader.IsDBNull(0) ? null : reader.GetString(0), reader.GetBoolean(1))
            : null;
    }
}
