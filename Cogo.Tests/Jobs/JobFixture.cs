using System.Collections.Concurrent;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cogo.Tests.Jobs;

/// <summary>A database of its own, and as many job workers on it as a test wants.</summary>
internal sealed class JobFixture : IAsyncDisposable
{
    private readonly List<MessageBus> _buses = [];
    private readonly List<JobWorker> _workers = [];

    private JobFixture(TestDatabase database)
    {
        Database = database;
        var bus = new MessageBus(database.DataSource, Options("client"), NullLogger<MessageBus>.Instance);
        _buses.Add(bus);
        Queue = new JobQueue(database.DataSource, bus);
        Schedules = new JobSchedules(database.DataSource, Queue);
    }

    public TestDatabase Database { get; }

    public JobQueue Queue { get; }

    public JobSchedules Schedules { get; }

    public static async Task<JobFixture> CreateAsync(int postgres = PostgresServers.Newest) => new(await PostgresServers.CreateDatabaseAsync(postgres));

    /// <summary>Without schedules, unless asked for, so that a test sees only its own jobs.</summary>
    public async Task<JobWorker> WorkerAsync(
        IReadOnlyList<IJobHandler> handlers, Func<JobOptions, JobOptions>? change = null, IArtifactStore? artifacts = null, Func<BusOptions, BusOptions>? bus = null)
    {
        var busOptions = Options($"worker-{_workers.Count + 1}");
        busOptions = bus is null ? busOptions : bus(busOptions);
        var messages = new MessageBus(Database.DataSource, busOptions, NullLogger<MessageBus>.Instance);
        _buses.Add(messages);
        var options = new JobOptions { RunSchedules = false, CancelPollInterval = TimeSpan.FromMilliseconds(200) };
        var worker = new JobWorker(
            Database.DataSource, messages, busOptions, change is null ? options : change(options), new JobCatalog(handlers), artifacts, NullLoggerFactory.Instance);
        _workers.Add(worker);
        await worker.StartAsync(default);
        return worker;
    }

    public async Task<string?> StatusAsync(long job) => await Database.ScalarAsync<string>("select status from jobs where id = $1", job);

    public Task<string?> BecomesAsync(long job, string status) =>
        Eventually.BecomesAsync(() => StatusAsync(job), seen => seen == status, $"job {job} {status}");

    public async Task<List<long>> ClaimAsync(int count, string types = "{*}", string worker = "sql-1")
    {
        var jobs = new List<long>();
        for (var i = 0; i < count && await Database.ScalarAsync<long>($"select id from claim_one_job($1, types => '{types}')", worker) is > 0 and var id; i++)
        {
            jobs.Add(id);
        }

        return jobs;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        foreach (var bus in _buses)
        {
            await bus.DisposeAsync();
        }

        await Database.DisposeAsync();
    }

    private static BusOptions Options(string worker) => new() { WorkerId = worker, PollInterval = TimeSpan.FromMilliseconds(100) };
}

/// <summary>A handler out of a function that remembers what it was given.</summary>
internal sealed class Job(string type, Func<JobContext, CancellationToken, Task<JobOutcome>>? run = null) : IJobHandler
{
    public string Type => type;

    public ConcurrentQueue<JobContext> Seen { get; } = new();

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        Seen.Enqueue(job);
        return run is null ? new JobOutcome.Succeeded() : await run(job, cancellationToken);
    }
}
