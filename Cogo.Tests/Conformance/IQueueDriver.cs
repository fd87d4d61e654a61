using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Npgsql;

namespace Cogo.Tests.Conformance;

/// <summary>A queue under test, on a database of its own.</summary>
internal interface IQueueDriver : IAsyncDisposable
{
    TestDatabase Database { get; }

    /// <summary>Puts items together, in this order, in a transaction of its own or the caller's. Returns their ids.</summary>
    Task<IReadOnlyList<long>> PutAsync(IReadOnlyList<Put> items, NpgsqlTransaction? transaction = null);

    /// <summary>Starts a worker as if in a process of its own; disposing stops it gracefully. The driver stops those that are left.</summary>
    Task<IAsyncDisposable> WorkAsync(Func<Attempt, CancellationToken, Task<Outcome>> handle, WorkerSettings settings);

    Task<Standing> StandingAsync(long id);

    /// <summary>Takes every lease, as if all workers had been silent for longer than theirs.</summary>
    Task TakeLeasesAsync();

    /// <summary>What waits out a backoff waits no longer.</summary>
    Task HastenAsync();
}

/// <summary>A queue whose outcomes also write and publish.</summary>
internal interface IEffectsDriver : IQueueDriver
{
    /// <summary>Publishes this on another queue nobody works on; part of an outcome.</summary>
    OutgoingMessage FollowUp { get; }

    /// <summary>Items on the queue of <see cref="FollowUp"/>.</summary>
    Task<long> FollowUpsAsync();
}

internal sealed record Put(string Payload = "{}")
{
    public int Priority { get; init; }

    public TimeSpan? Delay { get; init; }

    public TimeSpan? TimeToLive { get; init; }

    public string? Key { get; init; }

    public int? MaxAttempts { get; init; }
}

internal sealed record Attempt(long Id, int Number, long Fence, string Payload);

internal sealed record WorkerSettings
{
    public int Concurrency { get; init; } = 1;

    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(8);

    public TimeSpan? HandlerTimeout { get; init; }

    public TimeSpan CancelGrace { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>Where an item stands. <paramref name="Code"/> and <paramref name="Reason"/> are those of its dead letter.</summary>
internal sealed record Standing(Place Place, string? Code = null, string? Reason = null);

internal enum Place
{
    Unfinished,
    Finished,
    Dead,
}
