namespace Cogo.Core.Bus;

/// <summary>
/// Where the bus takes time, chance and threads from. A simulation gives its own clock, a seeded generator and a
/// scheduler of one thread, and so replays a run.
/// </summary>
internal sealed record BusRuntime(TimeProvider Time, Random Random, TaskScheduler Scheduler)
{
    public static BusRuntime Of(TimeProvider time) => new(time, Random.Shared, TaskScheduler.Default);

    /// <summary>Starts work beside the caller.</summary>
    public Task Run(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler).Unwrap();

    /// <summary>Cancels beside the caller, whose continuation must not run inside the callbacks of others.</summary>
    public Task CancelAsync(CancellationTokenSource source) =>
        Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler);

    /// <summary>Between 75 % and 125 %: many workers that fell silent together must not ask together.</summary>
    public TimeSpan Jittered(TimeSpan interval) => interval * (0.75 + (Random.NextDouble() * 0.5));
}
