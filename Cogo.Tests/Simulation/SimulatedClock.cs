namespace Cogo.Tests.Simulation;

/// <summary>A process's clock. Its wall clock may be wrong by <see cref="Offset"/>, and jump.</summary>
internal sealed class SimulatedClock(SimulatedWorld world) : TimeProvider
{
    public static readonly DateTimeOffset Beginning = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public TimeSpan Offset { get; set; }

    public SimulatedProcess? Process { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => world.Now.Ticks;

    public override DateTimeOffset GetUtcNow() => Beginning + world.Now + Offset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(SimulatedClock clock, Action callback) : ITimer
    {
        private SimulatedWorld.Event? _planned;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (period != Timeout.InfiniteTimeSpan && period != TimeSpan.Zero)
            {
                throw new NotSupportedException("A timer of the bus fires once.");
            }

            Dispose();
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                _planned = clock.Plan(dueTime, callback);
            }

            return true;
        }

        public void Dispose()
        {
            if (_planned is not null)
            {
                _planned.Cancelled = true;
                _planned = null;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }

    private SimulatedWorld.Event Plan(TimeSpan dueTime, Action callback) => world.At(dueTime, () => Process!.Do(callback));
}
