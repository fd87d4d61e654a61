using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Notifications;

/// <summary>A notification that is on its way.</summary>
/// <param name="Id">Of its job.</param>
/// <param name="Duplicate">Its key was known: nothing new was enqueued, and id and trace are the first one's.</param>
public sealed record NotificationReceipt(long Id, string TraceId, bool Duplicate);

/// <summary>
/// Puts notifications on the job queue: a worker that has the webhook's settings delivers them, with retries.
/// </summary>
public static class NotificationQueue
{
    // Two callers with one key must not both find nothing.
    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('notification:' || $1, 0))";

    // A job that was enqueued with the same key is answered with its id, whatever its text says.
    private const string Known = "select j.id, j.trace_id from public.jobs j where j.idempotency_key = $1 and j.type = $2 order by j.id limit 1";
    private const string Insert = "insert into public.jobs (type, payload, idempotency_key, trace_id) values ($1, $2::jsonb, $3, $4) returning id, trace_id";

    /// <summary>Enqueues in a transaction of its own.</summary>
    /// <inheritdoc cref="EnqueueAsync(NpgsqlTransaction, Notification, string?, string?, CancellationToken)" path="/param" />
    public static async Task<NotificationReceipt> EnqueueAsync(NpgsqlDataSource source, Notification notification, string? key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var receipt = await EnqueueAsync(transaction, notification, key, traceId: null, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return receipt;
    }

    /// <summary>Enqueues in the caller's transaction: the job exists when and if it commits.</summary>
    /// <param name="key">The same key is told once; null: always.</param>
    /// <param name="traceId">Of the job; null: a new one.</param>
    public static async Task<NotificationReceipt> EnqueueAsync(
        NpgsqlTransaction transaction, Notification notification, string? key, string? traceId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(notification);
        if (key is not null)
        {
            await using var held = Command(transaction, Lock, key);
            await held.ExecuteNonQueryAsync(cancellationToken);
            await using var known = Command(transaction, Known, key, Notification.JobType);
            if (await ReadAsync(known, duplicate: true, cancellationToken) is { } before)
            {
                return before;
            }
        }

        await using var insert = Command(transaction, Insert, Notification.JobType, JsonSerializer.Serialize(notification, CogoJson.Options), key, traceId);
        return (await ReadAsync(insert, duplicate: false, cancellationToken))!;
    }

    private static NpgsqlCommand Command(NpgsqlTransaction transaction, string sql, params string?[] values)
    {
        var command = new NpgsqlCommand(sql, transaction.Connection, transaction);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)value ?? DBNull.Value });
        }

        return command;
    }

    private static async Task<NotificationReceipt?> ReadAsync(NpgsqlCommand command, bool duplicate, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new NotificationReceipt(reader.GetInt64(0), reader.GetString(1), duplicate) : null;
    }
}
