using System.Diagnostics;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Cogo's job queue, enqueueing and running in this process, or run by more worker processes.</summary>
internal sealed class CogoJobs(string connectionString) : IContestant, IAsyncDisposable
{
    private readonly CogoWorkerProcesses _others = new(CogoWorkerProcess.Jobs, connectionString);

    public string Name => CogoBus.ContestantName;

    public static IContestant Create(string connectionString) => new CogoJobs(connectionString);

    public async Task<IReadOnlyDictionary<string, double>> RunAsync(Workload workload, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        return workload.Kind switch
        {
            WorkloadKind.Publish => await EnqueueAloneAsync(database, workload, cancellationToken),
            WorkloadKind.EndToEnd => await EndToEndAsync(database, workload, cancellationToken),
            WorkloadKind.Backlog => await BacklogAsync(database, workload, cancellationToken),
            WorkloadKind.Latency => await CogoLatency.OfJobsAsync(database, workload, cancellationToken),
            _ => throw new NotSupportedException($"Cogo's jobs have no {workload.Kind}."),
        };
    }

    public ValueTask DisposeAsync() => _others.DisposeAsync();

    private static async Task<IReadOnlyDictionary<string, double>> EnqueueAloneAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await using var bus = CogoSettings.Bus(database);
        var queue = new JobQueue(database, bus);
        await EnqueueAsync(queue, workload, workload.Warmup, cancellationToken);
        var clock = Stopwatch.StartNew();
        await EnqueueAsync(queue, workload, workload.Messages, cancellationToken);
        return PerSecond(workload, clock);
    }

    private async Task<IReadOnlyDictionary<string, double>> EndToEndAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await _others.StartAsync(workload.Workers - 1, cancellationToken);
        await using var acknowledged = await AcknowledgedCount.OpenAsync(database, cancellationToken);
        await using var bus = CogoSettings.Bus(database);
        var queue = new JobQueue(database, bus);
        await using var worker = CogoSettings.JobWorker(database, bus, new CogoSettings.NoWork());
        await worker.StartAsync(cancellationToken);
        await EnqueueAsync(queue, workload, workload.Warmup, cancellationToken);
        await acknowledged.UntilAsync(workload.Warmup, cancellationToken);
        await acknowledged.RestartAsync(cancellationToken);

        var clock = Stopwatch.StartNew();
        await EnqueueAsync(queue, workload, workload.Messages, cancellationToken);
        await acknowledged.UntilAsync(workload.Messages, cancellationToken);
        return PerSecond(workload, clock);
    }

    private static async Task<IReadOnlyDictionary<string, double>> BacklogAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await using var bus = CogoSettings.Bus(database);
        return await CogoBacklog.RunAsync(database, workload, Enqueueing(new JobQueue(database, bus)), StartAsync, cancellationToken);

        async Task<IAsyncDisposable> StartAsync(CancellationToken token)
        {
            var worker = CogoSettings.JobWorker(database, bus, new CogoSettings.NoWork());
            await worker.StartAsync(token);
            return worker;
        }
    }

    private static Dictionary<string, double> PerSecond(Workload workload, Stopwatch clock) =>
        new(StringComparer.Ordinal) { ["per_second"] = workload.Messages / clock.Elapsed.TotalSeconds };

    private static Task EnqueueAsync(JobQueue queue, Workload workload, int jobs, CancellationToken cancellationToken) =>
        CogoPublishing.RunAsync(Enqueueing(queue), workload, jobs, cancellationToken);

    /// <summary>Enqueues a job with each message's payload.</summary>
    public static Func<OutgoingMessage[], CancellationToken, Task> Enqueueing(JobQueue queue) => (messages, token) =>
        queue.EnqueueAsync(Array.ConvertAll(messages, message => new JobRequest(CogoSettings.JobType, message.Payload)), token);
}
