using System.Diagnostics;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Cogo's job queue, enqueueing and running in this process.</summary>
internal sealed class CogoJobs(string connectionString) : IContestant
{
    private const string Type = "bench.work";

    public string Name => CogoBus.ContestantName;

    public static IContestant Create(string connectionString) => new CogoJobs(connectionString);

    public async Task<IReadOnlyDictionary<string, double>> RunAsync(Workload workload, CancellationToken cancellationToken)
    {
        if (workload.Kind is not (WorkloadKind.EndToEnd or WorkloadKind.Publish) || workload.Workers > 1)
        {
            throw new NotSupportedException($"Cogo's jobs are measured with one worker, not {workload.Kind} with {workload.Workers}.");
        }

        await using var database = NpgsqlDataSource.Create(connectionString);
        return workload.Kind == WorkloadKind.Publish
            ? await EnqueueAloneAsync(database, workload, cancellationToken)
            : await EndToEndAsync(database, workload, cancellationToken);
    }

    private static async Task<IReadOnlyDictionary<string, double>> EnqueueAloneAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await using var bus = CogoSettings.Bus(database);
        var queue = new JobQueue(database, bus);
        await EnqueueAsync(queue, workload, workload.Warmup, cancellationToken);
        var clock = Stopwatch.StartNew();
        await EnqueueAsync(queue, workload, workload.Messages, cancellationToken);
        return PerSecond(workload, clock);
    }

    private static async Task<IReadOnlyDictionary<string, double>> EndToEndAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await using var acknowledged = await AcknowledgedCount.OpenAsync(database, cancellationToken);
        await using var bus = CogoSettings.Bus(database);
        var queue = new JobQueue(database, bus);
        await using var worker = new JobWorker(
            database, bus, new BusOptions(), new JobOptions { Concurrency = CogoSettings.Subscription.Concurrency }, new JobCatalog([new Nothing()]), null, NullLoggerFactory.Instance);
        await worker.StartAsync(cancellationToken);
        await EnqueueAsync(queue, workload, workload.Warmup, cancellationToken);
        await acknowledged.UntilAsync(workload.Warmup, cancellationToken);
        await acknowledged.RestartAsync(cancellationToken);

        var clock = Stopwatch.StartNew();
        await EnqueueAsync(queue, workload, workload.Messages, cancellationToken);
        await acknowledged.UntilAsync(workload.Messages, cancellationToken);
        return PerSecond(workload, clock);
    }

    private static Dictionary<string, double> PerSecond(Workload workload, Stopwatch clock) =>
        new(StringComparer.Ordinal) { ["per_second"] = workload.Messages / clock.Elapsed.TotalSeconds };

    private static Task EnqueueAsync(JobQueue queue, Workload workload, int jobs, CancellationToken cancellationToken) =>
        CogoPublishing.RunAsync(
            (messages, token) => queue.EnqueueAsync(Array.ConvertAll(messages, message => new JobRequest(Type, message.Payload)), token),
            workload, jobs, cancellationToken);

    private sealed class Nothing : IJobHandler
    {
        private static readonly Task<JobOutcome> Done = Task.FromResult<JobOutcome>(new JobOutcome.Succeeded());

        public string Type => CogoJobs.Type;

        public Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken) => Done;
    }
}
