using Cogo.Core.Bus;

namespace Cogo.Tests.Simulation;

/// <summary>A row of <c>agent_messages</c>. Times are counted from the beginning of the run.</summary>
internal sealed record StoredMessage
{
    public long Id { get; init; }

    public required Route Route { get; init; }

    public int Priority { get; init; }

    public int MaxAttempts { get; init; } = 5;

    public string? Key { get; init; }

    public TimeSpan? NotBefore { get; init; }

    public TimeSpan? ExpiresAt { get; init; }

    public TimeSpan CreatedAt { get; init; }

    /// <summary>The attempt whose outcome published it, when one did.</summary>
    public (long Id, long Fence)? Cause { get; init; }

    public bool IsSpecial => Priority != 0 || Key is not null || NotBefore is not null || ExpiresAt is not null;
}

/// <summary>A route's messages, and how far they were read.</summary>
internal sealed class StoredLane(long number)
{
    public long Number { get; } = number;

    public List<StoredMessage> Log { get; } = [];

    public HashSet<long> Seen { get; } = [];

    /// <summary>What can be seen of the window that is being read, and was not read yet.</summary>
    public Queue<StoredMessage> Window { get; } = new();

    public Dictionary<string, long> Keys { get; } = [];

    public bool Paused { get; set; }
}

/// <summary>A row of <c>bus_sessions</c>.</summary>
internal sealed class StoredSession
{
    public required long Id { get; init; }

    public TimeSpan LeaseUntil { get; set; }

    public long Floor { get; set; }

    public bool Ended { get; set; }
}

/// <summary>A row of <c>bus_claims</c>.</summary>
internal sealed class StoredClaim
{
    public required long Id { get; init; }

    public required long Session { get; init; }

    public required TimeSpan ClaimedAt { get; init; }

    public long[] Ids { get; set; } = [];

    public bool Revoked { get; set; }
}

/// <summary>A row of <c>bus_deferred</c>.</summary>
internal sealed class StoredWait
{
    public required StoredMessage Message { get; init; }

    public int Attempt { get; set; }

    public TimeSpan ReadyAt { get; set; }

    public long? Claim { get; set; }
}
