namespace Cogo.Tests.Simulation;

/// <summary>
/// One worker process as its code sees it: a scheduler and a clock. It can stand still (SIGSTOP), so that nothing of
/// it runs for a while, and end (SIGKILL), so that nothing of it runs again.
/// </summary>
internal sealed class SimulatedProcess(SimulatedWorld world, string name) : TaskScheduler
{
    private readonly List<Action> _held = [];
    private bool _stopped;

    public string Name { get; } = name;

    public bool Killed { get; private set; }

    public SimulatedClock Clock { get; } = new(world);

    public void Kill() => Killed = true;

    public void Stop(TimeSpan duration)
    {
        _stopped = true;
        world.At(duration, () =>
        {
            _stopped = false;
            var held = _held.ToArray();
            _held.Clear();
            foreach (var action in held)
            {
                Do(action);
            }
        });
    }

    /// <summary>Runs now, when the process goes on, or never.</summary>
    public void Do(Action action)
    {
        if (Killed)
        {
            return;
        }

        if (_stopped)
        {
            _held.Add(action);
        }
        else
        {
            action();
        }
    }

    public void Run(Task task) => Do(() => TryExecuteTask(task));

    protected override void QueueTask(Task task) => world.Ready(this, task);

    // Whatever could run at once waits its turn, so that anything may come between.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
