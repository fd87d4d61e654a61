namespace Cogo.Core.Bus;

/// <summary>How many more handlers may run. Any thread gives back; one waits and takes.</summary>
internal sealed class HandlerSlots(int total)
{
    private readonly Lock _lock = new();
    private int _free = total;
    private int _wanted;
    private TaskCompletionSource? _waiter;

    /// <summary>Takes what is free, at most so many; maybe none.</summary>
    public int Take(int most)
    {
        lock (_lock)
        {
            var taken = Math.Min(most, _free);
            _free -= taken;
            return taken;
        }
    }

    public void Release(int slots)
    {
        TaskCompletionSource? enough = null;
        lock (_lock)
        {
            _free += slots;
            if (_free >= _wanted)
            {
                (enough, _waiter) = (_waiter, null);
            }
        }

        enough?.TrySetResult();
    }

    /// <summary>Returns when so many are free, or when <paramref name="atMost"/> has passed.</summary>
    public async Task WaitAsync(int wanted, TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_free >= wanted)
            {
                return;
            }

            (_wanted, _waiter) = (wanted, waiter);
        }

        await using (time.CreateTimer(static state => ((TaskCompletionSource)state!).TrySetResult(), waiter, atMost, Timeout.InfiniteTimeSpan))
        await using (cancellationToken.Register(() => waiter.TrySetCanceled(cancellationToken)))
        {
            await waiter.Task;
        }
    }
}
