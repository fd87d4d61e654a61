namespace Cogo.Core.Bus;

/// <summary>Settings of the bus. All times run on the database's clock, except the polling and batching delays.</summary>
public sealed record BusOptions
{
    /// <summary>Name of this worker in audit rows. Default: host name and process id.</summary>
    public string WorkerId { get; init; } = $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>A worker that has not renewed for this long loses what it holds.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the lease is renewed; also how often other workers' leases are looked at.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How often a route is looked at when no wake-up comes, before jitter of ±25 %.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Least time between two NOTIFYs of one process; what rings in between is joined.</summary>
    public TimeSpan BellInterval { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>How long an acknowledgement waits for others to share its transaction.</summary>
    public TimeSpan AckDelay { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Most messages in one claim, and in one acknowledgement.</summary>
    public int BatchSize { get; init; } = 500;

    /// <summary>Largest payload, in bytes of UTF-8, that the publisher takes.</summary>
    public int PayloadLimitBytes { get; init; } = 5 * 1024 * 1024;

    /// <summary>How long finished claims, acknowledgements and idempotency keys are kept.</summary>
    public TimeSpan KeepFinished { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Messages and events older than this are dropped by the day once nothing in them waits or runs. Null: kept for good.</summary>
    public TimeSpan? Retention { get; init; }

    /// <summary>Connection string for LISTEN, where the ordinary one goes through a pooler in transaction mode. Default: the ordinary one.</summary>
    public string? ListenConnectionString { get; init; }

    /// <summary>False: no LISTEN at all, polling only.</summary>
    public bool Listen { get; init; } = true;

    /// <exception cref="ArgumentOutOfRangeException">A setting makes no sense; the message names it.</exception>
    public BusOptions Validated()
    {
        Check(LeaseDuration > HeartbeatInterval + HeartbeatInterval, nameof(LeaseDuration), "must be more than twice the HeartbeatInterval, or one lost heartbeat loses the lease");
        Check(HeartbeatInterval > TimeSpan.Zero, nameof(HeartbeatInterval), "must be positive");
        Check(PollInterval > TimeSpan.Zero, nameof(PollInterval), "must be positive");
        Check(Retention is null || Retention >= TimeSpan.FromDays(1), nameof(Retention), "must be a day or more");
        Check(BatchSize is > 0 and <= 10_000, nameof(BatchSize), "must be between 1 and 10000");
        Check(PayloadLimitBytes is > 0 and <= 100 * 1024 * 1024, nameof(PayloadLimitBytes), "must be between 1 and 104857600");
        return this;
    }

    private static void Check(bool holds, string name, string rule)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, $"BusOptions.{name} {rule}.");
        }
    }
}

/// <summary>How one route is read by one worker.</summary>
public sealed record SubscriptionOptions
{
    /// <summary>Handlers running at once.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>Longest <see cref="HandlerTimeout"/>: timers end within 50 days.</summary>
    public static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(7);

    /// <summary>A handler that runs longer is cancelled and the attempt is retried; at most 7 days. Default: no limit; the lease is renewed while it runs.</summary>
    public TimeSpan? HandlerTimeout { get; init; }

    /// <summary>How long a graceful stop lets handlers finish before it cancels them and hands their messages back.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a cancelled handler may take to end; then the attempt ends without it, and what it returns counts for nothing.</summary>
    public TimeSpan CancelGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether a message that this process publishes is to come here at once; otherwise whoever claims it first gets it.</summary>
    internal Func<OutgoingMessage, bool> Wants { get; init; } = static _ => true;

    internal void Validate()
    {
        if (Concurrency is < 1 or > 10_000)
        {
            throw new ArgumentOutOfRangeException(nameof(Concurrency), Concurrency, "SubscriptionOptions.Concurrency must be between 1 and 10000.");
        }

        if (HandlerTimeout is { } timeout && (timeout <= TimeSpan.Zero || timeout > LongestTimeout))
        {
            throw new ArgumentOutOfRangeException(nameof(HandlerTimeout), timeout, "SubscriptionOptions.HandlerTimeout must be positive and at most 7 days; null is no limit.");
        }
    }
}
