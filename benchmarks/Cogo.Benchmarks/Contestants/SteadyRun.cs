using System.Globalization;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Cogo at full load for a time: publishers go on as long as no more than a few batches wait.</summary>
/// <param name="jobs">Jobs instead of messages.</param>
internal sealed class SteadyRun(NpgsqlDataSource database, TimeSpan time, bool jobs) : IMessageHandler, IJobHandler
{
    private const int MostWaiting = 20_000;
    private const int Batch = 500;
    private const int Publishers = 3;
    private const int LeastWarmUpSeconds = 8;
    private const int MostWarmUpSeconds = 40;
    private const int ProgressSeconds = 10;

    private static readonly Task<Outcome> Done = Task.FromResult<Outcome>(Outcome.Completed());
    private static readonly Task<JobOutcome> Succeeded = Task.FromResult<JobOutcome>(new JobOutcome.Succeeded());

    private long _published;
    private long _handled;

    public string Type => CogoSettings.JobType;

    public Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _handled);
        return Done;
    }

    public Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _handled);
        return Succeeded;
    }

    /// <summary>Messages handled in each second. Every message published was acknowledged when it returns.</summary>
    /// <param name="beforeSecond">Called with the number of each second, from 0, when it begins.</param>
    public async Task<IReadOnlyList<double>> RunAsync(Func<int, Task>? beforeSecond, CancellationToken cancellationToken)
    {
        await using var acknowledged = await AcknowledgedCount.OpenAsync(database, cancellationToken);
        await using var bus = CogoSettings.Bus(database);
        await using var worker = await WorkAsync(bus, cancellationToken);
        Func<OutgoingMessage[], CancellationToken, Task> publish = jobs ? CogoJobs.Enqueueing(new JobQueue(database, bus)) : bus.Publisher.PublishAsync;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var publishing = Task.WhenAll(Enumerable.Range(0, Publishers).Select(_ => Task.Run(() => PublishAsync(publish, stop.Token), cancellationToken)));

        // Code is compiled and pages are cached before the first second counts.
        await Compiling.UntilLittleAsync(
            "one second of warm-up", LeastWarmUpSeconds, MostWarmUpSeconds, () => Task.Delay(TimeSpan.FromSeconds(1), cancellationToken));
        var perSecond = new List<double>();
        using var seconds = new PeriodicTimer(TimeSpan.FromSeconds(1));
        var (before, at) = (Interlocked.Read(ref _handled), System.Diagnostics.Stopwatch.GetTimestamp());
        while (perSecond.Count < time.TotalSeconds)
        {
            if (beforeSecond is not null)
            {
                await beforeSecond(perSecond.Count);
            }

            await seconds.WaitForNextTickAsync(cancellationToken);
            var (now, then) = (Interlocked.Read(ref _handled), at);
            at = System.Diagnostics.Stopwatch.GetTimestamp();
            perSecond.Add((now - before) / System.Diagnostics.Stopwatch.GetElapsedTime(then, at).TotalSeconds);
            before = now;
            if (perSecond.Count % ProgressSeconds == 0)
            {
                await Console.Error.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture, $"  {perSecond.Count} of {time.TotalSeconds:0} s: {perSecond.TakeLast(ProgressSeconds).Average():0} a second"));
            }
        }

        await stop.CancelAsync();
        await publishing;
        await acknowledged.UntilAsync(Interlocked.Read(ref _published), cancellationToken);
        return perSecond;
    }

    private async Task<IAsyncDisposable> WorkAsync(MessageBus bus, CancellationToken cancellationToken)
    {
        if (!jobs)
        {
            return await bus.SubscribeAsync(CogoSettings.Route, this, CogoSettings.Subscription, cancellationToken);
        }

        var worker = CogoSettings.JobWorker(database, bus, this);
        await worker.StartAsync(cancellationToken);
        return worker;
    }

    private async Task PublishAsync(Func<OutgoingMessage[], CancellationToken, Task> publish, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (Interlocked.Read(ref _published) - Interlocked.Read(ref _handled) > MostWaiting)
            {
                await Task.Delay(1, CancellationToken.None);
                continue;
            }

            var batch = new OutgoingMessage[Batch];
            for (var i = 0; i < batch.Length; i++)
            {
                batch[i] = new OutgoingMessage(CogoSettings.Route, CogoPublishing.Payload(i, 100));
            }

            // Not cancelled midway: what is published is counted.
            await publish(batch, CancellationToken.None);
            Interlocked.Add(ref _published, Batch);
        }
    }
}
