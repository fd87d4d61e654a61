namespace Cogo.Core.Jobs;

/// <summary>How a process works on jobs.</summary>
public sealed record JobOptions
{
    /// <summary>The executor this worker belongs to: it runs the jobs that name it beside those that name none.</summary>
    public string? ExecutorId { get; init; }

    /// <summary>The queues it reads.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [JobRoute.DefaultQueue];

    /// <summary>Jobs of one queue running at once.</summary>
    public int Concurrency { get; init; } = 8;

    /// <summary>Ends after so many attempts. Null: goes on until it is stopped.</summary>
    public int? MaxJobs { get; init; }

    /// <summary>An attempt that runs longer is cancelled and retried; at most 7 days. Null: no limit.</summary>
    public TimeSpan? JobTimeout { get; init; }

    /// <summary>How long a stop lets jobs finish before it cancels them and hands them back.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a cancelled handler may take to end; then the attempt ends without it, and what it returns counts for nothing.</summary>
    public TimeSpan CancelGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a running job is looked up for a wish to cancel it, beside being told at once.</summary>
    public TimeSpan CancelPollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether this worker may lead the schedules.</summary>
    public bool RunSchedules { get; init; } = true;

    /// <summary>How long the leader of the schedules may be silent before another takes over.</summary>
    public TimeSpan LeaderLease { get; init; } = TimeSpan.FromSeconds(15);

    /// <exception cref="ArgumentException">A setting makes no sense; the message names it.</exception>
    public JobOptions Validated()
    {
        if (Queues.Count == 0)
        {
            throw new ArgumentException("JobOptions.Queues is empty: name a queue to read.");
        }

        foreach (var queue in Queues)
        {
            _ = JobRoute.Of(queue, ExecutorId);
        }

        Check(Concurrency is >= 1 and <= 10_000, nameof(Concurrency), "must be between 1 and 10000");
        Check(MaxJobs is null or >= 1, nameof(MaxJobs), "must be 1 or more");
        Check(
            JobTimeout is null || (JobTimeout > TimeSpan.Zero && JobTimeout <= Bus.SubscriptionOptions.LongestTimeout), nameof(JobTimeout),
            "must be positive and at most 7 days; null is no limit");
        Check(CancelPollInterval > TimeSpan.Zero, nameof(CancelPollInterval), "must be positive");
        Check(LeaderLease > TimeSpan.Zero, nameof(LeaderLease), "must be positive");
        return this;
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds)
        {
            throw new ArgumentException($"JobOptions.{name} {rule}.");
        }
    }
}
