namespace Cogo.Core.Bus;

/// <summary>
/// Knows below which claim id a session holds nothing, so that a successor need not look there. Ids are drawn
/// inside the claim's statement, so a claim under way counts with the lowest id it can still get.
/// </summary>
internal sealed class ClaimLedger
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, int> _open = [];
    private readonly SortedDictionary<long, int> _underWay = [];
    private readonly SortedDictionary<long, long> _doubtful = [];
    private long _highest;
    private bool _frozen;

    /// <summary>Call before claiming; give the result to <see cref="End"/>.</summary>
    public long Begin()
    {
        lock (_lock)
        {
            var lowest = _highest + 1;
            _underWay[lowest] = _underWay.GetValueOrDefault(lowest) + 1;
            return lowest;
        }
    }

    /// <summary>The claim came back with so many messages under this fence (0: nothing was claimed).</summary>
    public void End(long begun, long fence, int messages)
    {
        lock (_lock)
        {
            Decrement(_underWay, begun);
            if (messages > 0)
            {
                _open[fence] = messages;
                _highest = Math.Max(_highest, fence);
            }
        }
    }

    /// <summary>The claim's answer was lost at this time: it may stand in the database all the same, or may yet come to.</summary>
    public void Doubt(long begun, long timestamp)
    {
        lock (_lock)
        {
            _doubtful[begun] = timestamp;
            Decrement(_underWay, begun);
        }
    }

    /// <summary>The lowest id a lost claim can have, with the claims that are known; null when none was lost.</summary>
    public (long From, long[] Known)? Doubts()
    {
        lock (_lock)
        {
            return _doubtful.Count == 0 ? null : (_doubtful.Keys.First(), [.. _open.Keys]);
        }
    }

    /// <summary>
    /// Lost claims were looked for. A doubt is settled only when it is old: a young claim may not have been handed
    /// back yet, and a statement whose client has gone may still be waiting for its turn.
    /// </summary>
    public void Settle(Predicate<long> isOld)
    {
        lock (_lock)
        {
            foreach (var begun in _doubtful.Where(doubt => isOld(doubt.Value)).Select(doubt => doubt.Key).ToList())
            {
                _doubtful.Remove(begun);
            }
        }
    }

    /// <summary>One message of the claim is finished or handed back.</summary>
    public void Close(long fence)
    {
        lock (_lock)
        {
            if (!_frozen)
            {
                Decrement(_open, fence);
            }
        }
    }

    /// <summary>
    /// The session gives up: what is closed from now on is closed here alone, and must be found by whoever ends the
    /// session. A renewal that is on its way must not move the floor past it.
    /// </summary>
    public void Freeze()
    {
        lock (_lock)
        {
            _frozen = true;
        }
    }

    public long Floor()
    {
        lock (_lock)
        {
            var floor = _highest + 1;
            floor = Math.Min(floor, _open.Keys.FirstOrDefault(floor));
            floor = Math.Min(floor, _underWay.Keys.FirstOrDefault(floor));
            return Math.Min(floor, _doubtful.Keys.FirstOrDefault(floor));
        }
    }

    private static void Decrement(SortedDictionary<long, int> counts, long key)
    {
        if (!counts.TryGetValue(key, out var count))
        {
            return;
        }

        if (count == 1)
        {
            counts.Remove(key);
        }
        else
        {
            counts[key] = count - 1;
        }
    }
}
