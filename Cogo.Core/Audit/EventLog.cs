using System.Text.Json;
using Cogo.Core.Bus;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Audit;

/// <summary>Appends to <c>public.bus_events</c>.</summary>
public sealed class EventLog(NpgsqlDataSource database, string workerId) : IEventLog
{
    private const string Insert =
        """
        insert into public.bus_events (trace_id, type, message_id, route, attempt, worker, data)
        values ($1, $2, $3, $4, $5, $6, $7)
        """;

    /// <inheritdoc />
    public async Task AppendAsync(Delivery delivery, AuditEvent auditEvent, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await AppendAsync(connection, null, delivery, workerId, [auditEvent], cancellationToken);
    }

    internal static async Task AppendAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, Delivery delivery, string workerId,
        IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var auditEvent in events)
        {
            var insert = new NpgsqlBatchCommand(Insert);
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = delivery.TraceId });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = auditEvent.Type });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.MessageId });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = delivery.Route.ToString() });
            insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = delivery.Attempt });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = workerId });
            insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Jsonb, Value = Json(auditEvent.Data) });
            batch.BatchCommands.Add(insert);
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    // jsonb refuses \u0000, which a tool's output may well hold.
    private static string Json(object? data) =>
        data is null ? "{}" : JsonSerializer.Serialize(data, CogoJson.Options).Replace("\\u0000", " ", StringComparison.Ordinal);
}
