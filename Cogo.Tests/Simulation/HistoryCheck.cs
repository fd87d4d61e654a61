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
        + string.Join("; ", model.History.Where(happening => !_ended.Contains(happening.Id)).TakeLast(8));

    /// <summary>The first rule that was broken, or null.</summary>
    public string? Broken()
    {
        var holders = new Dictionary<long, Happening>();
        var ended = new HashSet<long>();
        var revoked = new HashSet<long>();
        var fences = new Dictionary<long, long>();
        var counted = new Dictionary<long, int>();
        var keys = new Dictionary<string, long>();
        foreach (var now in model.History)
        {
            var message = now.Kind == Kind.Revoked ? null : model.Messages[(int)now.Id - 1];
            var broken = now switch
            {
                { Kind: Kind.Revoked } => revoked.Add(now.Session) ? null : "a session was ended twice",
                _ when ended.Contains(now.Id) => "a message that had ended went on",
                { Kind: Kind.Claimed } when revoked.Contains(now.Session) => "an ended session claimed",
                { Kind: Kind.Claimed } when message!.Key is { } key && keys.GetValueOrDefault(key, now.Id) != now.Id => "two messages with one key were delivered",
                { Kind: Kind.Claimed } when holders.ContainsKey(now.Id) => "two claims hold a message",
                { Kind: Kind.Claimed } when fences.GetValueOrDefault(now.Id) >= now.Fence => "a fence went back",
                { Kind: Kind.Claimed } when now.Attempt > message!.MaxAttempts => "there was an attempt too many",
                { Kind: Kind.Claimed } when now.Attempt != counted.GetValueOrDefault(now.Id) + 1 => "an attempt was not counted as it should",
                { Kind: Kind.Buried, Code: "" } => "a message was given up without a reason",
                { Kind: Kind.Buried, Code: Happening.Duplicate } when message!.Key is null || !model.Messages.Any(other => other.Id != now.Id && other.Key == message.Key) =>
                    "a message was taken for another",
                { Kind: Kind.Buried, Fence: 0, Code: "expired" or Happening.Duplicate } => null,
                { Kind: Kind.Claimed } => null,
                { Session: > 0 } when revoked.Contains(now.Session) => "a fence was accepted after its session had ended",
                _ when !holders.TryGetValue(now.Id, out var holder) || holder.Fence != now.Fence => "a fence was accepted that holds nothing",
                _ => null,
            };
            if (broken is not null)
            {
                return $"{broken}: {now}; before it: {string.Join("; ", model.History.TakeWhile(other => other != now).Where(other => other.Id == now.Id))}";
            }

            switch (now.Kind)
            {
                case Kind.Claimed:
                    if (message!.Key is { } key)
                    {
                        keys[key] = now.Id;
                    }

                    holders[now.Id] = now;
                    fences[now.Id] = now.Fence;
                    break;
                case Kind.Returned:
                    holders.Remove(now.Id);
                    counted[now.Id] = now.Code == Happening.HandedBack ? now.Attempt - 1 : now.Attempt;
                    break;
                case Kind.Finished or Kind.Buried:
                    holders.Remove(now.Id);
                    ended.Add(now.Id);
                    break;
            }
        }

        return null;
    }
}
