using System.Text;
using System.Text.Json;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Jobs;

/// <summary>A job's outcome as the outcome of its message. What is written beside it is written under the fence.</summary>
internal sealed class JobEndings(NpgsqlDataSource database, string workerId, int resultLimitBytes)
{
    /// <summary>Longer than anybody waits: the next claim that can run the job ends it.</summary>
    private static readonly TimeSpan ForEver = TimeSpan.FromDays(365_000);

    public async Task<bool> TakePermitAsync(Delivery delivery, JobEnvelope job, CancellationToken cancellationToken)
    {
        await using var take = database.CreateCommand("select public.cogo_take_permit($1, $2, $3, $4)");
        Add(take, job.ConcurrencyKey!);
        Add(take, job.ConcurrencyLimit);
        Add(take, delivery.MessageId);
        Add(take, delivery.Fence);
        return await take.ExecuteScalarAsync(cancellationToken) is true;
    }

    public static Outcome StandAside(Delivery delivery, JobEnvelope job, string reason) => new Outcome.Retry("Stands aside.", ForEver)
    {
        Counts = false,
        Write = async (transaction, cancellationToken) =>
        {
            await using var wait = Command(transaction, "select public.cogo_wait($1, $2, $3, $4, $5)");
            Add(wait, delivery.MessageId);
            Add(wait, reason);
            Add(wait, job.Type);
            wait.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)job.ConcurrencyKey ?? DBNull.Value });
            Add(wait, job.ConcurrencyLimit);
            await wait.ExecuteNonQueryAsync(cancellationToken);
        },
    };

    /// <exception cref="InvalidOperationException">The result is too large.</exception>
    public Outcome Of(Delivery delivery, JobEnvelope job, JobOutcome outcome, string? cancelReason)
    {
        var clear = job.ConcurrencyKey is not null || cancelReason is not null ? Clear(delivery) : null;
        Outcome ending = outcome switch
        {
            JobOutcome.Succeeded succeeded => Succeeded(delivery, succeeded, clear),
            JobOutcome.Cancelled => new Outcome.Fail("cancelled", cancelReason ?? "Its handler cancelled it.", Verdict.Invalid) { Write = clear },
            JobOutcome.Failed failed => new Outcome.Fail(failed.Code, failed.Reason, Verdict.Failed) { Write = clear },
            JobOutcome.Retry or JobOutcome.Snooze when cancelReason is not null =>
                new Outcome.Fail("cancelled", cancelReason, Verdict.Invalid) { Write = clear },
            JobOutcome.Retry retry => new Outcome.Retry(retry.Reason, retry.After) { Write = clear },
            JobOutcome.Snooze snooze => new Outcome.Retry(snooze.Reason ?? "Snoozed.", snooze.For < TimeSpan.Zero ? TimeSpan.Zero : snooze.For) { Counts = false, Write = clear },
            _ => throw new InvalidOperationException($"{outcome.GetType().Name} is no outcome of a job."),
        };
        return outcome.Events.Count == 0 ? ending : ending with { Events = outcome.Events };
    }

    private Outcome.Done Succeeded(Delivery delivery, JobOutcome.Succeeded succeeded, Func<NpgsqlTransaction, CancellationToken, Task>? clear)
    {
        // An ordinary job without a result: its acknowledgement says all, and shares a transaction with others'.
        if (succeeded.Result is null && clear is null && !TookColdPath(delivery))
        {
            return Outcome.Completed();
        }

        var result = succeeded.Result is null ? null : JsonSerializer.Serialize(succeeded.Result, CogoJson.Options);
        if (result is not null && Encoding.UTF8.GetByteCount(result) > resultLimitBytes)
        {
            throw new InvalidOperationException($"The job's result is larger than {resultLimitBytes} bytes: store it as an artifact and return its path.");
        }

        return new Outcome.Done
        {
            Write = async (transaction, cancellationToken) =>
            {
                await using var record = Command(transaction, "select public.cogo_record_result($1, $2, $3, $4, $5)");
                Add(record, delivery.MessageId);
                Add(record, delivery.Fence);
                Add(record, delivery.Attempt);
                Add(record, workerId);
                record.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Jsonb, Value = (object?)result ?? DBNull.Value });
                await record.ExecuteNonQueryAsync(cancellationToken);
                if (clear is not null)
                {
                    await clear(transaction, cancellationToken);
                }
            },
        };
    }

    private static bool TookColdPath(Delivery delivery) =>
        delivery.Attempt > 1 || delivery.Priority != 0 || delivery.Tenant is not null || delivery.ExpiresAt is not null
        || !delivery.IdempotencyKey.StartsWith("message:", StringComparison.Ordinal);

    private static Func<NpgsqlTransaction, CancellationToken, Task> Clear(Delivery delivery) => async (transaction, cancellationToken) =>
    {
        await using var ended = Command(transaction, "select public.cogo_attempt_ended($1, $2)");
        Add(ended, delivery.MessageId);
        Add(ended, delivery.Fence);
        await ended.ExecuteNonQueryAsync(cancellationToken);
    };

    private static NpgsqlCommand Command(NpgsqlTransaction transaction, string sql) => new(sql, transaction.Connection, transaction);

    private static void Add<T>(NpgsqlCommand command, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
}
