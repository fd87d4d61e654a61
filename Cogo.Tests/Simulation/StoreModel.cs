using Cogo.Core.Bus;

namespace Cogo.Tests.Simulation;

/// <summary>
/// What the database's functions promise, in memory: claim, finish, retry, fail, take back, each at once and as a
/// whole. Held against Postgres by <see cref="ModelTests"/>.
/// </summary>
internal sealed class StoreModel(Func<TimeSpan> now, Random random, PlantedBug bug = PlantedBug.None)
{
    private readonly List<StoredMessage> _log = [];
    private readonly Dictionary<Route, StoredLane> _lanes = [];
    private readonly Dictionary<long, StoredSession> _sessions = [];
    private readonly SortedDictionary<long, StoredClaim> _claims = [];
    private readonly HashSet<(long Claim, long Id)> _acks = [];
    private readonly Dictionary<long, StoredWait> _deferred = [];
    private readonly HashSet<long> _uncommitted = [];

    /// <summary>All that happened, in order.</summary>
    public List<Happening> History { get; } = [];

    public IReadOnlyList<StoredMessage> Messages => _log;

    /// <summary>What waits or is held on the cold path: id and attempts so far.</summary>
    public IEnumerable<(long Id, int Attempt, bool Held)> Deferred => _deferred.Values.Select(waiting => (waiting.Message.Id, waiting.Attempt, waiting.Claim is not null));

    public long LaneOf(Route route) => At(route).Number;

    /// <param name="commit">False: nobody sees it before <see cref="Commit"/>, though others with a higher id are seen.</param>
    public long Publish(StoredMessage message, bool commit = true)
    {
        var stored = message with { Id = _log.Count + 1 };
        _log.Add(stored);
        At(stored.Route).Log.Add(stored);
        _uncommitted.Add(stored.Id);
        if (commit)
        {
            Commit(stored.Id);
        }

        return stored.Id;
    }

    public void Commit(long id)
    {
        if (_uncommitted.Remove(id))
        {
            History.Add(new Happening(Kind.Committed, id, 0, 0, 0));
        }
    }

    /// <summary>No claim on the route brings anything until it is resumed; what is held goes on.</summary>
    public void Pause(Route route, bool paused)
    {
        At(route).Paused = paused;
        History.Add(new Happening(paused ? Kind.Paused : Kind.Resumed, 0, 0, 0, 0, route.ToString()));
    }

    public long OpenSession(TimeSpan lease)
    {
        _sessions[_sessions.Count + 1] = new StoredSession { Id = _sessions.Count + 1, LeaseUntil = now() + lease };
        return _sessions.Count;
    }

    public bool Renew(long session, TimeSpan lease, long floor)
    {
        var renewed = _sessions[session];
        if (renewed.Ended && bug != PlantedBug.EndedSessionsAreRenewed)
        {
            return false;
        }

        renewed.Ended = false;
        renewed.LeaseUntil = now() + lease;
        renewed.Floor = bug == PlantedBug.FloorIsTooHigh ? _claims.Count + 1 : floor;
        History.Add(new Happening(Kind.Renewed, 0, 0, session, 0));
        return true;
    }

    public IReadOnlyList<Delivery> Claim(long number, Route route, long session, int limit)
    {
        var lane = At(number);
        if (lane.Paused && bug != PlantedBug.PausedQueuesAreRead)
        {
            return [];
        }

        if (_sessions[session].Ended && HasWork(lane))
        {
            throw new SessionEndedException(session);
        }

        Defer(lane);
        foreach (var late in Waiting(lane).Where(waiting => waiting.Message.ExpiresAt <= now()).ToList())
        {
            Bury(late.Message.Id, late.Attempt, "expired", 0);
        }

        var first = Take(lane, waiting => waiting.Message.Priority >= 0, limit);
        var hot = Read(lane, limit - first.Count);
        var low = Take(lane, waiting => waiting.Message.Priority < 0, limit - first.Count - hot.Count);
        if (first.Count + hot.Count + low.Count == 0)
        {
            return [];
        }

        var claim = new StoredClaim { Id = _claims.Count + 1, Session = session, ClaimedAt = now() };
        _claims[claim.Id] = claim;
        foreach (var waiting in first.Concat(low))
        {
            (waiting.Claim, waiting.Attempt) = (claim.Id, waiting.Attempt + 1);
        }

        var claimed = first.Select(waiting => Delivery(waiting.Message, waiting.Attempt, claim.Id, route))
            .Concat(hot.Select(message => Delivery(message, 1, claim.Id, route)))
            .Concat(low.Select(waiting => Delivery(waiting.Message, waiting.Attempt, claim.Id, route))).ToList();
        claim.Ids = [.. claimed.Select(delivery => delivery.MessageId)];
        History.AddRange(claimed.Select(delivery => new Happening(Kind.Claimed, delivery.MessageId, claim.Id, session, delivery.Attempt, route.ToString())));
        return claimed;
    }

    public List<(long, long)> Finish(long session, IEnumerable<(long Fence, long MessageId)> messages)
    {
        var accepted = new List<(long, long)>();
        foreach (var (fence, id) in messages.Distinct().Where(message => Accept(session, message.Fence, message.MessageId)))
        {
            accepted.Add((fence, id));
            var attempt = _deferred.TryGetValue(id, out var waiting) ? waiting.Attempt : 1;
            _deferred.Remove(id);
            History.Add(new Happening(Kind.Finished, id, fence, session, attempt));
        }

        return accepted;
    }

    public Ending Retry(long session, long fence, long id, TimeSpan? delay, bool counts, string why)
    {
        if (!Accept(session, fence, id))
        {
            return Ending.Fenced;
        }

        var waiting = Row(id);
        if (counts && waiting.Attempt >= waiting.Message.MaxAttempts)
        {
            Bury(id, waiting.Attempt, "retries_exhausted", fence);
            return Ending.DeadLettered;
        }

        History.Add(new Happening(Kind.Returned, id, fence, session, waiting.Attempt, why));
        waiting.Claim = null;
        waiting.ReadyAt = now() + (delay ?? Backoff(waiting.Attempt));
        waiting.Attempt -= counts ? 0 : 1;
        _deferred[id] = waiting;
        return Ending.Accepted;
    }

    public Ending Fail(long session, long fence, long id, string code)
    {
        if (!Accept(session, fence, id))
        {
            return Ending.Fenced;
        }

        Bury(id, Row(id).Attempt, code, fence);
        return Ending.DeadLettered;
    }

    /// <summary>The lanes of what it held.</summary>
    public IReadOnlyList<long> EndSession(long session)
    {
        var ending = _sessions[session];
        if (ending.Ended)
        {
            return [];
        }

        var lanes = new SortedSet<long>();
        foreach (var claim in _claims.Values.Where(claim => claim.Session == session && claim.Id >= ending.Floor && !claim.Revoked))
        {
            foreach (var id in claim.Ids.Where(id => !_acks.Contains((claim.Id, id))).Order().ToList())
            {
                Retry(session, claim.Id, id, null, counts: bug != PlantedBug.CrashesDoNotCount, Happening.Taken);
                lanes.Add(LaneOf(_log[(int)id - 1].Route));
            }

            claim.Revoked = true;
        }

        ending.Ended = true;
        History.Add(new Happening(Kind.Revoked, 0, 0, session, 0));
        return [.. lanes];
    }

    public IReadOnlyList<long> Reap() =>
        [.. _sessions.Values.Where(session => !session.Ended && session.LeaseUntil < now()).ToList().SelectMany(session => EndSession(session.Id)).Distinct()];

    public int ReleaseUnknown(long session, long from, IReadOnlyCollection<long> known, TimeSpan age)
    {
        var released = 0;
        foreach (var claim in _claims.Values.Where(
            claim => bug != PlantedBug.LostClaimsStayLost && claim.Session == session && claim.Id >= from && !known.Contains(claim.Id) && !claim.Revoked && claim.ClaimedAt < now() - age))
        {
            released += claim.Ids.Order().Count(id => !_acks.Contains((claim.Id, id)) && Retry(session, claim.Id, id, TimeSpan.Zero, counts: false, Happening.HandedBack) == Ending.Accepted);
        }

        return released;
    }

    /// <summary>What waits is ready, all at the same time.</summary>
    public void Hasten()
    {
        foreach (var waiting in _deferred.Values.Where(waiting => waiting.Claim is null))
        {
            waiting.ReadyAt = now();
        }
    }

    /// <summary>Whether a claim would find something to do, were the route not paused.</summary>
    public bool IsReady(long number) => HasWork(At(number)) || Waiting(At(number)).Any(waiting => waiting.Message.ExpiresAt <= now());

    private StoredLane At(Route route)
    {
        if (!_lanes.TryGetValue(route, out var lane))
        {
            _lanes[route] = lane = new StoredLane(_lanes.Count + 1);
        }

        return lane;
    }

    private StoredLane At(long number) => _lanes.Values.First(lane => lane.Number == number);

    private bool Accept(long session, long fence, long id)
    {
        if (!_claims.TryGetValue(fence, out var claim) || claim.Session != session || !claim.Ids.Contains(id))
        {
            return false;
        }

        if ((claim.Revoked && bug != PlantedBug.NoFence) || (_acks.Contains((fence, id)) && bug != PlantedBug.NoSecondLook && !(bug == PlantedBug.NoFence && claim.Revoked)))
        {
            return false;
        }

        _acks.Add((fence, id));
        return true;
    }

    private bool HasWork(StoredLane lane) =>
        lane.Window.Count > 0 || Unseen(lane, special: true).Any() || Unseen(lane, special: false).Any()
        || Waiting(lane).Any(waiting => waiting.ReadyAt <= now() && !(waiting.Message.ExpiresAt <= now()));

    private void Defer(StoredLane lane)
    {
        // With the bug, the keys of one lane are those of all.
        var keys = bug == PlantedBug.KeysAreOfAllRoutes ? At(1).Keys : lane.Keys;
        foreach (var special in Unseen(lane, special: true).ToList())
        {
            lane.Seen.Add(special.Id);
            if (special.Key is null || keys.TryAdd(special.Key, special.Id) || bug == PlantedBug.KeysAreNotChecked)
            {
                _deferred[special.Id] = new StoredWait { Message = special, ReadyAt = special.NotBefore ?? special.CreatedAt };
            }
            else
            {
                Bury(special.Id, 0, Happening.Duplicate, 0);
            }
        }
    }

    /// <summary>Ordinary messages: the rest of the window, and then the next window, which is all that can be seen by now.</summary>
    private List<StoredMessage> Read(StoredLane lane, int room)
    {
        var read = new List<StoredMessage>();
        while (read.Count < room)
        {
            if (lane.Window.Count == 0)
            {
                foreach (var message in Unseen(lane, special: false).ToList())
                {
                    lane.Seen.Add(message.Id);
                    lane.Window.Enqueue(message);
                }
            }

            if (!lane.Window.TryDequeue(out var next))
            {
                break;
            }

            read.Add(next);
        }

        return read;
    }

    private IEnumerable<StoredMessage> Unseen(StoredLane lane, bool special) => lane.Log.Where(
        message => message.IsSpecial == special && !_uncommitted.Contains(message.Id) && !lane.Seen.Contains(message.Id)
            && (bug != PlantedBug.LateCommitsAreSkipped || special || !lane.Seen.Any(seen => seen > message.Id)));

    private IEnumerable<StoredWait> Waiting(StoredLane lane) =>
        _deferred.Values.Where(waiting => waiting.Claim is null && LaneOf(waiting.Message.Route) == lane.Number);

    private List<StoredWait> Take(StoredLane lane, Func<StoredWait, bool> which, int limit)
    {
        var due = Waiting(lane).Where(waiting => waiting.ReadyAt <= now() && which(waiting));
        return [.. due.OrderByDescending(waiting => bug == PlantedBug.PrioritiesAreIgnored ? 0 : waiting.Message.Priority)
            .ThenBy(waiting => waiting.ReadyAt).ThenBy(waiting => waiting.Message.Id).Take(limit)];
    }

    private StoredWait Row(long id) => _deferred.TryGetValue(id, out var waiting) ? waiting : new StoredWait { Message = _log[(int)id - 1], Attempt = 1 };

    private void Bury(long id, int attempt, string code, long fence)
    {
        _deferred.Remove(id);
        History.Add(new Happening(Kind.Buried, id, fence, 0, attempt, code));
    }

    private TimeSpan Backoff(int attempt) => TimeSpan.FromSeconds(Math.Min(Math.Pow(2, attempt - 1), 300) * random.NextDouble());

    private static Delivery Delivery(StoredMessage message, int attempt, long fence, Route route) => new()
    {
        MessageId = message.Id,
        Route = route,
        TraceId = message.Id.ToString("x32"),
        IdempotencyKey = message.Key ?? $"message:{message.Id}",
        Payload = "{}",
        Attempt = attempt,
        MaxAttempts = message.MaxAttempts,
        Priority = message.Priority,
        CreatedAt = SimulatedClock.Beginning + message.CreatedAt,
        Fence = fence,
    };
}
