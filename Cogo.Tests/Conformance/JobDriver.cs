using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Jobs;
using Npgsql;

namespace Cogo.Tests.Conformance;

/// <summary>
/// The job queue as a queue under test. A job's outcome neither writes nor publishes: it has its result, which here is what
/// the attempt audits last.
/// </summary>
internal sealed class JobDriver : IQueueDriver
{
    private const string Type = "test.work";

    private readonly JobFixture _fixture;

    private JobDriver(JobFixture fixture) => _fixture = fixture;

    public TestDatabase Database => _fixture.Database;

    public static async Task<IQueueDriver> CreateAsync(int postgres) => new JobDriver(await JobFixture.CreateAsync(postgres));

    public async Task<IReadOnlyList<long>> PutAsync(IReadOnlyList<Put> items, NpgsqlTransaction? transaction = null)
    {
        var jobs = items.Select(put => new JobRequest(Type, put.Payload)
        {
            Priority = put.Priority,
            Delay = put.Delay,
            TimeToLive = put.TimeToLive,
            IdempotencyKey = put.Key,
            MaxAttempts = put.MaxAttempts,
        }).ToList();
        var receipts = transaction is null
            ? await _fixture.Queue.EnqueueAsync(jobs, default)
            : await _fixture.Queue.EnqueueAsync(transaction, jobs, default);
        return [.. receipts.Select(receipt => receipt.Id)];
    }

    public async Task<IAsyncDisposable> WorkAsync(Func<Attempt, CancellationToken, Task<Outcome>> handle, WorkerSettings settings)
    {
        var job = new Job(Type, async (job, token) => OfJob(await handle(new Attempt(job.Id, job.Attempt, ((JobRun)job).Fence, job.Payload.GetRawText()), token)));
        return await _fixture.WorkerAsync(
            [job],
            options => options with
            {
                Concurrency = settings.Concurrency,
                JobTimeout = settings.HandlerTimeout,
                CancelGrace = settings.CancelGrace,
                DrainTimeout = settings.DrainTimeout,
            },
            bus: options => options with { LeaseDuration = settings.Lease, HeartbeatInterval = settings.Heartbeat });
    }

    public async Task<Standing> StandingAsync(long id)
    {
        await using var ask = Database.DataSource.CreateCommand("select status, error_code, error from jobs where id = $1");
        ask.Parameters.Add(new NpgsqlParameter { Value = id });
        await using var reader = await ask.ExecuteReaderAsync();
        return !await reader.ReadAsync()
            ? new Standing(Place.Unfinished)
            : reader.GetString(0) switch
            {
                "succeeded" => new Standing(Place.Finished),
                "failed" => new Standing(Place.Dead, reader.GetString(1), reader.GetString(2)),
                _ => new Standing(Place.Unfinished),
            };
    }

    public Task TakeLeasesAsync() => Database.TakeLeasesAsync();

    public Task HastenAsync() => Database.ExecuteAsync("update bus_deferred set ready_at = clock_timestamp() where claim_id is null and attempt > 0");

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    private static JobOutcome OfJob(Outcome outcome) => outcome switch
    {
        Outcome.Retry retry => new JobOutcome.Retry(retry.Reason, retry.After),
        Outcome.Fail fail => new JobOutcome.Failed(fail.Code, fail.Reason),
        { Write: null, Publish.Count: 0, Events: var events } => new JobOutcome.Succeeded(events.Count == 0 ? null : events[^1].Data) { Events = events },
        _ => throw new NotSupportedException("A job's outcome neither writes nor publishes."),
    };
}
