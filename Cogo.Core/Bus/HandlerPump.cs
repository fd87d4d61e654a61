using System.Collections.Concurrent;

namespace Cogo.Core.Bus;

/// <summary>
/// Starts handlers. One thread starts one after the other as long as each gives the thread back; for a handler that
/// keeps it, another thread goes on with the rest. So a handler that does little costs no task of its own, and one
/// that blocks delays nobody.
/// </summary>
internal sealed class HandlerPump(BusRuntime runtime, Func<Held, Task> handle)
{
    private static readonly ExecutionContext Blank = BlankContext();

    /// <summary>This thread already runs a handler inside a publish: a chain of them must not grow its stack.</summary>
    [ThreadStatic]
    private static bool s_lent;

    private readonly ConcurrentQueue<Held> _waiting = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource? _idle;
    private int _unfinished;
    private int _called;

    public void Start(IReadOnlyList<Held> claimed)
    {
        Interlocked.Add(ref _unfinished, claimed.Count);
        foreach (var held in claimed)
        {
            _waiting.Enqueue(held);
        }

        CallThread();
    }

    /// <summary>Counts a message that may come: <see cref="StartReserved"/> or <see cref="Finished"/> follows.</summary>
    public void Reserve() => Interlocked.Increment(ref _unfinished);

    /// <summary>
    /// On the caller's thread, if that is one of the pool with nothing else to do: call last. The handler is no part of
    /// what the caller is doing: it gets none of its ambient state.
    /// </summary>
    public void StartReserved(Held held)
    {
        _waiting.Enqueue(held);
        if (s_lent || !IsFree())
        {
            using (ExecutionContext.SuppressFlow())
            {
                CallThread();
            }

            return;
        }

        s_lent = true;
        try
        {
            ExecutionContext.Run(Blank, static pump => ((HandlerPump)pump!).Drain(), this);
        }
        finally
        {
            s_lent = false;
        }
    }

    /// <summary>A thread of the pool that nobody wants for work of a certain kind.</summary>
    private bool IsFree() =>
        Thread.CurrentThread.IsThreadPoolThread && SynchronizationContext.Current is null
        && TaskScheduler.Current == TaskScheduler.Default && runtime.Scheduler == TaskScheduler.Default;

    /// <summary>A message that was started has ended.</summary>
    public void Finished()
    {
        if (Interlocked.Decrement(ref _unfinished) == 0)
        {
            lock (_lock)
            {
                _idle?.TrySetResult();
            }
        }
    }

    /// <summary>Completes when all that was started has ended. Call when nothing more is started.</summary>
    public Task WhenIdleAsync()
    {
        lock (_lock)
        {
            // Goes on inside the last Finished: what follows is a stop that gives the thread back at once.
            _idle ??= new TaskCompletionSource();
            if (Volatile.Read(ref _unfinished) == 0)
            {
                _idle.TrySetResult();
            }

            return _idle.Task;
        }
    }

    /// <summary>At most one thread is on its way at a time; when it comes it calls the next.</summary>
    private void CallThread()
    {
        if (Interlocked.Exchange(ref _called, 1) == 0)
        {
            _ = Task.Factory.StartNew(RunThread, CancellationToken.None, TaskCreationOptions.DenyChildAttach, runtime.Scheduler);
        }
    }

    private void RunThread()
    {
        Volatile.Write(ref _called, 0);
        Drain();
    }

    private void Drain()
    {
        while (_waiting.TryDequeue(out var held))
        {
            if (!_waiting.IsEmpty)
            {
                CallThread();
            }

            // It ends by itself, and says so through Finished; it does not throw.
            _ = handle(held);
        }
    }

    /// <summary>That of a thread which nobody gave anything.</summary>
    private static ExecutionContext BlankContext()
    {
        ExecutionContext? blank = null;
        var thread = new Thread(() => blank = ExecutionContext.Capture());
        thread.UnsafeStart();
        thread.Join();
        return blank!;
    }
}
