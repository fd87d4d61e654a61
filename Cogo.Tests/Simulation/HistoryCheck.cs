namespace Cogo.Tests.Simulation;

/// <summary>Judges what the store let happen by rules of its own, whatever the store thought of it.</summary>
internal sealed class HistoryCheck(StoreModel model)
{
    private readonly HashSet<long> _ended = [];
    private int _looked;

    public bool AllEnded()
    {
        for (; _looked < model.History.Count; _looked++)
        {
            if (model.History[_looked] is { Kind: Kind.Finished or Kind.Buried } end)
            {
                _ended.Add(end.Id);
            }
        }

        return _ended.Count == model.Messages.Count;
    }

    public string Unended() =>
        $"Nobody ended message {string.Join(", ", model.Messages.Select(message => message.Id).Except(_ended))}: "
        + string.Join("; ", model.History.Where(happening => happening.Id > 0 && !_ended.Contains(happening.Id)).TakeLast(8));

    /// <summary>The first rule that was broken, or null.</summary>
    public string? Broken()
    {
        var judge = new Judge(model);
        for (var i = 0; i < model.History.Count; i++)
        {
            var now = model.History[i];
            if (judge.Rule(now) is { } broken)
            {
                var before = model.History.Take(i).Where(other => (now.Id > 0 && other.Id == now.Id) || (now.Session > 0 && other.Session == now.Session));
                return $"{broken}: {now}; before it: {string.Join("; ", before.TakeLast(12))}";
            }

            judge.Take(now);
        }

        return null;
    }

    /// <summary>What is known up to one moment of the history.</summary>
    private sealed class Judge(StoreModel model)
    {
        private readonly Dictionary<long, Happening> _holders = [];
        private readonly HashSet<long> _ended = [];
        private readonly HashSet<long> _revoked = [];
        private readonly Dictionary<long, long> _fences = [];
        private readonly Dictionary<long, int> _counted = [];
        private readonly Dictionary<(string Route, string Key), long> _keys = [];
        private readonly HashSet<string> _paused = [];
        private readonly Dictionary<long, long> _finishedUnder = [];

        /// <summary>Ordinary messages that can be seen and that nobody has claimed, by route.</summary>
        private readonly Dictionary<string, HashSet<long>> _ordinary = [];

        private (long Fence, int Priority) _last;

        /// <summary>The rule that it breaks, or null.</summary>
        public string? Rule(Happening now) => now switch
        {
            { Kind: Kind.Paused or Kind.Resumed } => null,
            { Kind: Kind.Revoked } => _revoked.Contains(now.Session) ? "a session was ended twice" : null,
            { Kind: Kind.Renewed } => _revoked.Contains(now.Session) ? "an ended session was renewed" : null,
            { Kind: Kind.RenewedInVain } => "a worker went on with a session of which it had heard that it ended",
            { Kind: Kind.Committed } => Message(now).Cause is { } cause && _finishedUnder.GetValueOrDefault(cause.Id) != cause.Fence
                ? "an attempt that did not count, or counted before, has a follow-up" : null,
            _ when _ended.Contains(now.Id) => "a message that had ended went on",
            { Kind: Kind.Claimed } => OfClaim(now, Message(now)),
            { Kind: Kind.Buried, Code: "" } => "a message was given up without a reason",
            { Kind: Kind.Buried, Code: Happening.Duplicate } when !HasTwin(Message(now)) => "a message was taken for another",
            { Kind: Kind.Buried, Fence: 0, Code: "expired" or Happening.Duplicate } => null,
            { Session: > 0 } when _revoked.Contains(now.Session) => "a fence was accepted after its session had ended",
            _ when !_holders.TryGetValue(now.Id, out var holder) || holder.Fence != now.Fence => "a fence was accepted that holds nothing",
            _ => null,
        };

        public void Take(Happening now)
        {
            switch (now.Kind)
            {
                case Kind.Committed:
                    if (!Message(now).IsSpecial)
                    {
                        Ordinary(Message(now).Route.ToString()).Add(now.Id);
                    }

                    if (Message(now).Cause is { } cause)
                    {
                        _finishedUnder.Remove(cause.Id);
                    }

                    break;
                case Kind.Claimed:
                    if (Message(now).Key is { } key)
                    {
                        _keys[(now.Code, key)] = now.Id;
                    }

                    Ordinary(now.Code).Remove(now.Id);
                    _last = (now.Fence, Message(now).Priority);
                    _holders[now.Id] = now;
                    _fences[now.Id] = now.Fence;
                    break;
                case Kind.Returned:
                    _holders.Remove(now.Id);
                    _counted[now.Id] = now.Code == Happening.HandedBack ? now.Attempt - 1 : now.Attempt;
                    break;
                case Kind.Finished or Kind.Buried:
                    _holders.Remove(now.Id);
                    _ended.Add(now.Id);
                    if (now.Kind == Kind.Finished)
                    {
                        _finishedUnder[now.Id] = now.Fence;
                    }

                    break;
                case Kind.Revoked:
                    _revoked.Add(now.Session);
                    break;
                case Kind.Paused:
                    _paused.Add(now.Code);
                    break;
                case Kind.Resumed:
                    _paused.Remove(now.Code);
                    break;
            }
        }

        private string? OfClaim(Happening now, StoredMessage message) => 0 switch
        {
            _ when message.Route.ToString() != now.Code => "a message was delivered on another route",
            _ when _paused.Contains(now.Code) => "a paused queue was read",
            _ when _revoked.Contains(now.Session) => "an ended session claimed",
            _ when message.Key is { } key && _keys.GetValueOrDefault((now.Code, key), now.Id) != now.Id => "two messages with one key were delivered",
            _ when _holders.ContainsKey(now.Id) => "two claims hold a message",
            _ when _fences.GetValueOrDefault(now.Id) >= now.Fence => "a fence went back",
            _ when now.Attempt > message.MaxAttempts => "there was an attempt too many",
            _ when now.Attempt != _counted.GetValueOrDefault(now.Id) + 1 => "an attempt was not counted as it should",
            _ when _last.Fence == now.Fence && _last.Priority < message.Priority => "a claim is not in the order of priorities",
            _ when message.Priority < 0 && Ordinary(now.Code).Count > 0 => "a priority below 0 went before an ordinary message",
            _ => null,
        };

        private bool HasTwin(StoredMessage message) =>
            message.Key is not null && model.Messages.Any(other => other.Id != message.Id && other.Key == message.Key && other.Route == message.Route);

        private StoredMessage Message(Happening now) => model.Messages[(int)now.Id - 1];

        private HashSet<long> Ordinary(string route)
        {
            if (!_ordinary.TryGetValue(route, out var waiting))
            {
                _ordinary[route] = waiting = [];
            }

            return waiting;
        }
    }
}
