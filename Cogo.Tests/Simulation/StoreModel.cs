using Cogo.Core.Bus;

namespace Cogo.Tests.Simulation;

/// <summary>
/// What the database's functions promise, in memory: claim, finish, retry, fail, take back, each at once and as a
/// whole. Held against Postgres by <see cref="ModelTests"/>.
/// </summary>
internal sealed class StoreModel(Func<TimeSpan> now, Random random, PlantedBug bug = PlantedBug.None)
{
    private readonly List<Message> _log = [];
    private readonly Dictionary<long, Session> _sessions = [];
    private readonly SortedDictionary<long, ClaimRow> _claims = [];
    private readonly HashSet<(long Claim, long Id)> _acks = [];
    private readonly Dictionary<long, Waiting> _deferred = [];
    private readonly Dictionary<string, long> _keys = [];
    private readonly HashSet<long> _uncommitted = [];
    private readonly HashSet<long> _seen = [];
    private readonly Queue<Message> _window = new();

    /// <summary>All that happened, in order.</summary>
    public List<Happening> History { get; } = [];

    public IReadOnlyList<Message> Messages => _log;

    /// <summary>What waits or is held on the cold path: id and attempts so far.</summary>
    public IEnumerable<(long Id, int Attempt, bool Held)> Deferred => _deferred.Values.Select(waiting => (waiting.Message.Id, waiting.Attempt, waiting.Claim is not null));

    /// <param name="commit">False: nobody sees it before <see cref="Commit"/>, though others with a higher id are seen.</param>
    public long Publish(Message message, bool commit = true)
    {
        _log.Add(message with { Id = _log.Count + 1 });
        if (!commit)
        {
            _uncommitted.Add(_log.Count);
        }

        return _log.Count;
    }

    public void Commit(long id) => _uncommitted.Remove(id);

    public long OpenSession(TimeSpan lease)
    {
        _sessions[_sessions.Count + 1] = new Session { Id = _sessions.Count + 1, LeaseUntil = now() + lease };
        return _sessions.Count;
    }

    public bool Renew(long session, TimeSpan lease, long floor)
    {
        if (_sessions[session] is not { Ended: false } living)
        {
            return false;
        }

        (living.LeaseUntil, living.Floor) = (now() + lease, floor);
        return true;
    }

    public IReadOnlyList<Delivery> Claim(Route route, long session, int limit)
    {
        if (_sessions[session].Ended && HasWork())
        {
            throw new SessionEndedException(session);
        }

        Defer();
        foreach (var late in _deferred.Values.Where(waiting => waiting.Claim is null && waiting.Message.ExpiresAt <= now()).ToList())
        {
            Bury(late.Message.Id, late.Attempt, "expired", 0);
        }

        var first = Take(waiting => waiting.Message.Priority >= 0, limit);
        var hot = Read(limit - first.Count);
        var low = Take(waiting => waiting.Message.Priority < 0, limit - first.Count - hot.Count);
        if (first.Count + hot.Count + low.Count == 0)
        {
            return [];
        }

        var claim = new ClaimRow { Id = _claims.Count + 1, Session = session, ClaimedAt = now() };
        _claims[claim.Id] = claim;
        foreach (var waiting in first.Concat(low))
        {
            (waiting.Claim, waiting.Attempt) = (claim.Id, waiting.Attempt + 1);
        }

        var claimed = first.Select(waiting => Delivery(waiting.Message, waiting.Attempt, claim.Id, route))
            .Concat(hot.Select(message => Delivery(message, 1, claim.Id, route)))
            .Concat(low.Select(waiting => Delivery(waiting.Message, waiting.Attempt, claim.Id, route))).ToList();
        claim.Ids = [.. claimed.Select(delivery => delivery.MessageId)];
        History.AddRange(claimed.Select(delivery => new Happening(Kind.Claimed, delivery.MessageId, claim.Id, session, delivery.Attempt)));
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

    public void EndSession(long session)
    {
        var ending = _sessions[session];
        if (ending.Ended)
        {
            return;
        }

        foreach (var claim in _claims.Values.Where(claim => claim.Session == session && claim.Id >= ending.Floor && !claim.Revoked))
        {
            foreach (var id in claim.Ids.Where(id => !_acks.Contains((claim.Id, id))).Order().ToList())
            {
                Retry(session, claim.Id, id, null, counts: bug != PlantedBug.CrashesDoNotCount, Happening.Taken);
            }

            claim.Revoked = true;
        }

        ending.Ended = true;
        History.Add(new Happening(Kind.Revoked, 0, 0, session, 0));
    }

    public void Reap()
    {
        foreach (var session in _sessions.Values.Where(session => !session.Ended && session.LeaseUntil < now()).ToList())
        {
            EndSession(session.Id);
        }
    }

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

    /// <summary>Whether a claim would find something to do.</summary>
    public bool IsReady() => HasWork() || _deferred.Values.Any(waiting => waiting.Claim is null && waiting.Message.ExpiresAt <= now());

    private bool HasWork() =>
        _window.Count > 0 || Unseen(special: true).Any() || Unseen(special: false).Any()
        || _deferred.Values.Any(waiting => waiting.Claim is null && waiting.ReadyAt <= now() && !(waiting.Message.ExpiresAt <= now()));

    private void Defer()
    {
        foreach (var special in Unseen(special: true).ToList())
        {
            _seen.Add(special.Id);
            if (special.Key is null || _keys.TryAdd(special.Key, special.Id) || bug == PlantedBug.KeysAreNotChecked)
            {
                _deferred[special.Id] = new Waiting { Message = special, ReadyAt = special.NotBefore ?? special.CreatedAt };
            }
            else
            {
                Bury(special.Id, 0, Happening.Duplicate, 0);
            }
        }
    }

    /// <summary>Ordinary messages: the rest of the window, and then the next window, which is all that can be seen by now.</summary>
    private List<Message> Read(int room)
    {
        var read = new List<Message>();
        while (read.Count < room)
        {
            if (_window.Count == 0)
            {
                foreach (var message in Unseen(special: false).ToList())
                {
                    _seen.Add(message.Id);
                    _window.Enqueue(message);
                }
            }

            if (!_window.TryDequeue(out var next))
            {
                break;
            }

            read.Add(next);
        }

        return read;
    }

    private IEnumerable<Message> Unseen(bool special) => _log.Where(
        message => message.IsSpecial == special && !_uncommitted.Contains(message.Id) && !_seen.Contains(message.Id)
            && (bug != PlantedBug.LateCommitsAreSkipped || special || !_seen.Any(seen => seen > message.Id)));

    private List<Waiting> Take(Func<Waiting, bool> which, int limit) =>
        [.. _deferred.Values.Where(waiting => waiting.Claim is null && waiting.ReadyAt <= now() && which(waiting))
            .OrderByDescending(waiting => waiting.Message.Priority).ThenBy(waiting => waiting.ReadyAt).ThenBy(waiting => waiting.Message.Id)
            .Take(limit)];

    private Waiting Row(long id) => _deferred.TryGetValue(id, out var waiting) ? waiting : new Waiting { Message = _log[(int)id - 1], Attempt = 1 };

    private void Bury(long id, int attempt, string code, long fence)
    {
        _deferred.Remove(id);
        History.Add(new Happening(Kind.Buried, id, fence, 0, attempt, code));
    }

    private TimeSpan Backoff(int attempt) => TimeSpan.FromSeconds(Math.Min(Math.Pow(2, attempt - 1), 300) * random.NextDouble());

    private static Delivery Delivery(Message message, int attempt, long fence, Route route) => new()
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

    internal sealed record Message
    {
        public long Id { get; init; }

        public int Priority { get; init; }

        public int MaxAttempts { get; init; } = 5;

        public string? Key { get; init; }

        public TimeSpan? NotBefore { get; init; }

        public TimeSpan? ExpiresAt { get; init; }

        public TimeSpan CreatedAt { get; init; }

        public bool IsSpecial => Priority != 0 || Key is not null || NotBefore is not null || ExpiresAt is not null;
    }

    private sealed class Session
    {
        public required long Id { get; init; }

        public TimeSpan LeaseUntil { get; set; }

        public long Floor { get; set; }

        public bool Ended { get; set; }
    }

    private sealed class ClaimRow
    {
        public required long Id { get; init; }

        public required long Session { get; init; }

        public required TimeSpan ClaimedAt { get; init; }

        public long[] Ids { get; set; } = [];

        public bool Revoked { get; set; }
    }

    private sealed class Waiting
    {
        public required Message Message { get; init; }

        public int Attempt { get; set; }

        public TimeSpan ReadyAt { get; set; }

        public long? Claim { get; set; }
    }
}
