using System.Collections.Concurrent;

namespace Cogo.Core.Bus;

/// <summary>
/// Latches by lane inside one process. A signal that comes while nobody waits is kept, so a message published
/// between a claim that found nothing and the wait that follows it is not slept over.
/// </summary>
internal sealed class WakeUp
{
    private readonly ConcurrentDictionary<long, ConcurrentDictionary<Latch, byte>> _latches = new();

    public Latch Add(long lane)
    {
        var latch = new Latch(gone => Remove(lane, gone));
        _latches.GetOrAdd(lane, static _ => new())[latch] = 0;
        return latch;
    }

    public void Signal(long lane)
    {
        if (_latches.TryGetValue(lane, out var latches))
        {
            foreach (var latch in latches.Keys)
            {
                latch.Set();
            }
        }
    }

    public void SignalAll()
    {
        foreach (var lane in _latches.Keys)
        {
            Signal(lane);
        }
    }

    /// <summary>The lanes of those who wait for a signal now.</summary>
    public IReadOnlyCollection<long> WaitingLanes() =>
        [.. _latches.Where(static lane => lane.Value.Keys.Any(static latch => latch.IsWaiting)).Select(static lane => lane.Key)];

    private void Remove(long lane, Latch latch)
    {
        if (_latches.TryGetValue(lane, out var latches))
        {
            latches.TryRemove(latch, out _);
        }
    }
}
