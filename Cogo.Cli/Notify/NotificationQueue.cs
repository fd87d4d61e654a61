using System.Text.Json;
using Cogo.Core;
using Npgsql;

namespace Cogo.Cli.Notify;

/// <summary>A notification that is on its way.</summary>
internal sealed record NotificationReceipt(long Id, string TraceId, bool Duplicate);

/// <summary>
/// Puts notifications on the job queue as <c>notify.webhook</c>: a worker that has the webhook's settings delivers them,
/// with retries, under a trace.
/// </summary>
internal sealed class NotificationQueue(NpgsqlDataSource source)
{
    private const string JobType = "notify.webhook";

    // A job that was enqueued with the same key is answered with its id, whatever its text says.
    private const string Known = "select j.id, j.trace_id from public.jobs j where j.idempotency_key = $1 and j.type = $2 order by j.id limit 1";
    private const string Insert = "insert into public.jobs (type, payload, idempotency_key) values ($1, $2::jsonb, $3) returning id, trace_id";

    /// <param name="key">The same key is told once; null: always.</param>
    public async Task<NotificationReceipt> EnqueueAsync(string subject, string text, string? key, CancellationToken cancellationToken)
    {
        if (key is not null)
        {
            await using var known = source.CreateCommand(Known);
            known.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
            known.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JobType });
            if (await ReadAsync(known, duplicate: true, cancellationToken) is { } before)
            {
                return before;
            }
        }

        await using var insert = source.CreateCommand(Insert);
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JobType });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JsonSerializer.Serialize(new { subject, text }, CogoJson.Options) });
        insert.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text, Value = (object?)key ?? DBNull.Value });
        return (await ReadAsync(insert, duplicate: false, cancellationToken))!;
    }

    /// <summary>What became of it, for a person.</summary>
    public static string Say(NotificationReceipt? receipt) => receipt switch
    {
        null => "Nothing was sent.",
        { Duplicate: true } => $"It was enqueued before, as job {receipt.Id}; nothing was sent.",
        _ => $"Job {receipt.Id} ({JobType}) is in queue default: a worker with WEBHOOK_TYPE delivers it. Trace {receipt.TraceId}.",
    };

    private static async Task<NotificationReceipt?> ReadAsync(NpgsqlCommand command, bool duplicate, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? new NotificationReceipt(reader.GetInt64(0), reader.GetString(1), duplicate) : null;
    }
}
