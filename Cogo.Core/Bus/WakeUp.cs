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

    /// <summary>The lanes of those who wait for a signal now.</summary>
    public IReadOnlyCollection<long> WaitingLanes() =>
        [.. _latches.Where(static lane => lane.Value.Keys.Any(static latch => latch.IsWaiting)).Select(static lane => lane.Key)];

    /// <summary>One subscription's ear; one waits at a time.</summary>
    internal sealed class Latch(WakeUp owner, long lane) : IDisposable
    {
        private readonly Lock _lock = new();
        private bool _set;
        private TaskCompletionSource? _waiter;

        public bool IsWaiting
        {
            get
            {
                lock (_lock)
                {
                    return _waiter is not null;
                }
            }
        }

        public void Set()
        {
            lock (_lock)
            {
                _set = true;
                _waiter?.TrySetResult();
            }
        }

        /// <summary>Returns when signalled or when <paramref name="atMost"/> has passed, whichever is first.</summary>
        public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
        {
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_lock)
            {
                _waiter = waiter;
                if (_set)
                {
                    waiter.SetResult();
                }
            }

            // A timer rather than Task.WaitAsync: an idle route must not throw at every poll.
            await using (time.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), waiter, atMost, Timeout.InfiniteTimeSpan))
            await using (cancellationToken.Register(() => waiter.TrySetCanceled(cancellationToken)))
            {
                await waiter.Task;
            }

            lock (_lock)
            {
                _set = false;
                _waiter = null;
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
