namespace Cogo.Core.Bus;

/// <summary>One sleeper's ear; one waits at a time. A signal that comes while nobody waits is kept.</summary>
/// <param name="gone">Takes it out of where it is signalled from, when it is disposed.</param>
internal sealed class Latch(Action<Latch> gone) : IDisposable
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

    /// <summary>Returns when signalled, with true, or when <paramref name="atMost"/> has passed, whichever is first.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
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
            var signalled = _set;
            _set = false;
            _waiter = null;
            return signalled;
        }
    }

    public void Dispose() => gone(this);
}
