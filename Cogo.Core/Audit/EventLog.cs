using System.Text.Json;
using Cogo.Core.Bus;
using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Audit;

/// <summary>Appends to <c>public.bus_events</c>.</summary>
public sealed class EventLog(NpgsqlDataSource database, string workerId) : IEventLog
{
    private static readonly string Progress = SqlQuery.Load("append_event");
    private static readonly string Ending = SqlQuery.Load("append_ending_event");

    /// <inheritdoc />
    public async Task AppendAsync(Delivery delivery, AuditEvent auditEvent, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await AppendAsync(connection, null, Progress, delivery, workerId, [auditEvent], cancellationToken);
    }

    /// <summary>Appends what an outcome audits, with how long the attempt waited and ran.</summary>
    internal static Task AppendEndingAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Delivery delivery, string workerId,
        IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken) =>
        AppendAsync(connection, transaction, Ending, delivery, workerId, events, cancellationToken);

    private static async Task AppendAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, string sql, Delivery delivery, string workerId,
        IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken)
    {
        if (events.Count == 0)
        {
            return;
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var auditEvent in events)
        {
            var insert = new NpgsqlBatchCommand(sql);
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = auditEvent.TraceId ?? delivery.TraceId });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = auditEvent.Type });
            insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.MessageId });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = delivery.Route.ToString() });
            insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = delivery.Attempt });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = workerId });
            insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Jsonb, Value = Json(auditEvent.Data) });
            insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)delivery.Tenant ?? DBNull.Value });
            if (ReferenceEquals(sql, Ending))
            {
                insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = delivery.Fence });
                insert.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = delivery.CreatedAt });
            }

            batch.BatchCommands.Add(insert);
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    // jsonb refuses \u0000, which a tool's output may well hold.
    private static string Json(object? data) =>
        data is null ? "{}" : JsonSerializer.Serialize(data, CogoJson.Options).Replace("\\u0000", " ", StringComparison.Ordinal);
}
