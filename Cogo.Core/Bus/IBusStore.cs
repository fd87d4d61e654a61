namespace Cogo.Core.Bus;

/// <summary>
/// All that reading the bus asks of the database, one transaction a call. An error may come before or after the
/// transaction took effect; callers are written for both.
/// </summary>
internal interface IBusStore
{
    Task<long> LaneAsync(Route route, CancellationToken cancellationToken);

    /// <summary>A new session with a lease from now; returns its id.</summary>
    Task<long> OpenSessionAsync(IReadOnlyCollection<string> routes, CancellationToken cancellationToken);

    /// <summary>Writes down which routes a session reads.</summary>
    Task AnnounceRoutesAsync(long session, IReadOnlyCollection<string> routes, CancellationToken cancellationToken);

    /// <summary>False: the session has ended. Claims below <paramref name="floorClaim"/> are finished.</summary>
    Task<bool> RenewSessionAsync(long session, long floorClaim, CancellationToken cancellationToken);

    /// <summary>Ends a session and takes back what it holds; the attempts count. Returns the lanes with something to deliver again.</summary>
    Task<IReadOnlyList<long>> EndSessionAsync(long session, string reason, CancellationToken cancellationToken);

    /// <summary>Claims up to <paramref name="limit"/> messages; all of one answer have the same fence.</summary>
    /// <exception cref="SessionEndedException">The session has ended.</exception>
    Task<IReadOnlyList<Delivery>> ClaimAsync(long lane, Route route, long session, int limit, CancellationToken cancellationToken);

    /// <summary>Those of the lanes on which a claim would find something.</summary>
    Task<IReadOnlyList<long>> ReadyLanesAsync(IReadOnlyCollection<long> lanes, CancellationToken cancellationToken);

    /// <summary>Hands back claims from <paramref name="from"/> on that the session does not know of. Returns how many messages.</summary>
    Task<int> ReleaseUnknownAsync(long session, long from, IReadOnlyList<long> known, CancellationToken cancellationToken);

    /// <summary>Finishes messages, pairs of fence and id, and returns the pairs that were accepted.</summary>
    Task<IReadOnlyList<(long Fence, long MessageId)>> FinishAsync(
        long session, IReadOnlyList<(long Fence, long MessageId)> messages, CancellationToken cancellationToken);

    /// <summary>Ends one attempt with all that its outcome writes, or writes nothing because the fence no longer holds.</summary>
    Task<Ended> EndAsync(long session, Delivery delivery, Outcome outcome, CancellationToken cancellationToken);

    /// <summary>Gives one message back at once; the attempt does not count.</summary>
    Task<Ending> HandBackAsync(long session, Delivery delivery, string reason, CancellationToken cancellationToken);

    /// <summary>Ends the sessions whose lease ran out. Returns the lanes with something to deliver again.</summary>
    Task<IReadOnlyList<long>> ReapAsync(CancellationToken cancellationToken);

    /// <summary>The sessions that have not ended, and whose they are.</summary>
    Task<IReadOnlyList<(long Session, ProcessIdentity Process)>> LiveSessionsAsync(CancellationToken cancellationToken);

    /// <summary>Makes the partitions of the coming days and forgets what was finished long ago.</summary>
    Task KeepHouseAsync(CancellationToken cancellationToken);

    /// <summary>Wakes the subscribers of other processes. A hint: it may be lost.</summary>
    Task NotifyAsync(IReadOnlyCollection<long> lanes, CancellationToken cancellationToken);
}

/// <summary>How an attempt ended, and which lanes got messages by it.</summary>
internal readonly record struct Ended(Ending Ending, IReadOnlyCollection<long> Lanes);

/// <summary>The database ended this session: its lease was taken, and what it held is void.</summary>
internal sealed class SessionEndedException(long session, Exception? inner = null)
    : Exception($"Session {session} has ended: its lease was taken. A new one is opened with the next claim.", inner);
