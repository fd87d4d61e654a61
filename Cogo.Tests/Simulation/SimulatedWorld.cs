namespace Cogo.Tests.Simulation;

/// <summary>
/// Time, threads and chance of a simulation: one thread runs what is ready in an order drawn from the seed, and
/// the clock moves when nothing is ready, or now and then before (a starved machine).
/// </summary>
internal sealed class SimulatedWorld(int seed)
{
    private readonly List<(SimulatedProcess Process, Task Task)> _ready = [];
    private readonly PriorityQueue<Event, (long At, long Order)> _events = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _order;

    public Random Random { get; } = new(seed);

    /// <summary>Since the beginning; the database's clock.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Differs when two runs differ.</summary>
    public int Trace { get; private set; }

    /// <summary>Where something ran on a thread of its own, which breaks the simulation; null when nothing did.</summary>
    public string? Strayed { get; private set; }

    public bool Chance(double probability) => Random.NextDouble() < probability;

    public TimeSpan Between(double leastMs, double mostMs) => TimeSpan.FromMilliseconds(leastMs + (Random.NextDouble() * (mostMs - leastMs)));

    /// <summary>Adds to <see cref="Trace"/>.</summary>
    public void Note(string what)
    {
        var hash = unchecked((Trace * 31) + (int)(Now.Ticks % 1_000_003));
        foreach (var character in what)
        {
            hash = unchecked((hash * 31) + character);
        }

        Trace = hash;
    }

    public Event At(TimeSpan after, Action action)
    {
        KeepToTheThread();
        var planned = new Event(action);
        _events.Enqueue(planned, ((Now + (after < TimeSpan.Zero ? TimeSpan.Zero : after)).Ticks, _order++));
        return planned;
    }

    public void Ready(SimulatedProcess process, Task task)
    {
        KeepToTheThread();
        _ready.Add((process, task));
    }


    /// <summary>Runs until <paramref name="done"/>. False: it did not come about within <paramref name="limit"/>.</summary>
    public bool RunUntil(Func<bool> done, TimeSpan limit)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            while (!done())
            {
                if (Now > limit)
                {
                    return false;
                }

                Step();
            }

            return true;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Something that took another thread would make runs differ, and the order here meaningless.</summary>
    private void KeepToTheThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            Strayed ??= Environment.StackTrace;
        }
    }

    private void Step()
    {
        if (_ready.Count > 0 && !(_events.Count > 0 && Chance(0.01)))
        {
            var i = Random.Next(_ready.Count);
            var (process, task) = _ready[i];
            _ready[i] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            process.Run(task);
            return;
        }

        if (!_events.TryDequeue(out var next, out var when))
        {
            throw new InvalidOperationException("The simulation came to a stand: nothing is ready and nothing is planned.");
        }

        if (next.Cancelled)
        {
            return;
        }

        Now = TimeSpan.FromTicks(Math.Max(Now.Ticks, when.At));
        next.Action();
    }

    internal sealed class Event(Action action)
    {
        public Action Action { get; } = action;

        public bool Cancelled { get; set; }
    }
}
