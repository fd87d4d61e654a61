using Cogo.Core.Bus;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Jobs;

/// <summary>Enqueues jobs and steers them. Thread-safe.</summary>
public sealed class JobQueue(NpgsqlDataSource database, MessageBus bus)
{
    /// <exception cref="ArgumentException">A field cannot be right; the message names it.</exception>
    /// <exception cref="IdempotencyConflictException">The key belongs to a job with another type or payload.</exception>
    public async Task<JobReceipt> EnqueueAsync(JobRequest job, CancellationToken cancellationToken) =>
        (await EnqueueAsync([job], cancellationToken))[0];

    /// <summary>Enqueues all or none. Receipts come in the order of the jobs.</summary>
    /// <inheritdoc cref="EnqueueAsync(JobRequest, CancellationToken)" path="/exception" />
    public async Task<IReadOnlyList<JobReceipt>> EnqueueAsync(IReadOnlyList<JobRequest> jobs, CancellationToken cancellationToken) =>
        Receipts(await bus.Publisher.PublishAsync(Seal(jobs), cancellationToken));

    /// <summary>Enqueues inside the caller's transaction: the jobs exist when and if it commits.</summary>
    /// <inheritdoc cref="EnqueueAsync(JobRequest, CancellationToken)" path="/exception" />
    public async Task<IReadOnlyList<JobReceipt>> EnqueueAsync(
        NpgsqlTransaction transaction, IReadOnlyList<JobRequest> jobs, CancellationToken cancellationToken) =>
        Receipts(await bus.Publisher.PublishAsync(transaction, Seal(jobs), cancellationToken));

    /// <summary>Ends a waiting job now, and asks the worker of a running one to end it.</summary>
    public async Task<CancelAnswer> CancelAsync(long job, string reason, CancellationToken cancellationToken)
    {
        await using var cancel = database.CreateCommand("select public.cancel_job($1, $2)");
        cancel.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job });
        cancel.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reason });
        return (string?)await cancel.ExecuteScalarAsync(cancellationToken) switch
        {
            "cancelled" => CancelAnswer.Cancelled,
            "requested" => CancelAnswer.Requested,
            "finished" => CancelAnswer.Finished,
            _ => CancelAnswer.Unknown,
        };
    }

    /// <summary>No job of the queue is begun until it is resumed; what runs goes on.</summary>
    public async Task PauseAsync(string queue, string? reason, CancellationToken cancellationToken)
    {
        await using var pause = database.CreateCommand("select public.pause_queue($1, $2)");
        pause.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JobRoute.Of(queue).Role });
        pause.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)reason ?? DBNull.Value });
        await pause.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task ResumeAsync(string queue, CancellationToken cancellationToken)
    {
        await using var resume = database.CreateCommand("select public.resume_queue($1)");
        resume.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JobRoute.Of(queue).Role });
        await resume.ExecuteNonQueryAsync(cancellationToken);
    }

    private static OutgoingMessage[] Seal(IReadOnlyList<JobRequest> jobs)
    {
        ArgumentNullException.ThrowIfNull(jobs);
        return [.. jobs.Select(JobEnvelope.Seal)];
    }

    private static IReadOnlyList<JobReceipt> Receipts(IReadOnlyList<PublishReceipt> receipts) =>
        [.. receipts.Select(receipt => new JobReceipt(receipt.MessageId, receipt.TraceId, receipt.Duplicate))];
}

/// <summary>What a wish to cancel came to.</summary>
public enum CancelAnswer
{
    /// <summary>It waited, and has ended.</summary>
    Cancelled,

    /// <summary>It runs, or is about to: its worker is told.</summary>
    Requested,

    /// <summary>It had ended before.</summary>
    Finished,

    /// <summary>There is no such job.</summary>
    Unknown,
}
