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
        var latch = new Latch(this, lane);
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

    /// <summary>One subscription's ear.</summary>
    internal sealed class Latch(WakeUp owner, long lane) : IDisposable
    {
        private readonly SemaphoreSlim _signal = new(0, 1);
        private int _set;

        public void Set()
        {
            if (Interlocked.Exchange(ref _set, 1) == 0)
            {
                _signal.Release();
            }
        }

        /// <summary>Returns when signalled or when <paramref name="atMost"/> has passed, whichever is first.</summary>
        public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
        {
            if (await _signal.WaitAsync(atMost, cancellationToken))
            {
                Volatile.Write(ref _set, 0);
            }
        }

        public void Dispose()
        {
            if (owner._latches.TryGetValue(lane, out var latches))
            {
                latches.TryRemove(this, out _);
            }
        }
    }
}
