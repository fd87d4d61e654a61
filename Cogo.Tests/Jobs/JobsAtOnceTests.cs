using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Cogo.Tests.Jobs;

/// <summary>Jobs that are claimed in the transaction that enqueues them, by a worker of the same process.</summary>
public class JobsAtOnceTests
{
    private const string ClaimedAtOnce =
        "select count(*) from agent_messages m join bus_claims c on m.id = any (c.ids) where c.xmin::text::bigint = m.xid::text::bigint % 4294967296";

    [Fact]
    public async Task A_job_enqueued_where_a_handler_waits_is_claimed_in_the_same_transaction_and_ends_like_any_other()
    {
        await using var here = await Process.StartAsync(new Job("test.work"), new Job("test.fails", (_, _) => throw new InvalidOperationException("on purpose")));

        var enqueued = await here.EnqueueUntilClaimedAtOnceAsync(new JobRequest("test.work", """{"n": 1}"""));

        await Eventually.BecomesTrueAsync(
            async () => await here.Database.ScalarAsync<long>("select count(*) from jobs where status = 'succeeded'") == enqueued.Count, "all of them succeeded");
        Assert.Equal(enqueued.Order(), here.Handler.Seen.Select(job => job.Id).Order());
        Assert.All(here.Handler.Seen, job => Assert.Equal(1, job.Payload.GetProperty("n").GetInt32()));

        var failing = (await here.Queue.EnqueueAsync(new JobRequest("test.fails") { ConcurrencyKey = "one" }, default)).Id;
        await Eventually.BecomesAsync(() => here.StatusAsync(failing), status => status == "retrying", "the failed one waits for its next attempt");
    }

    [Fact]
    public async Task A_paused_queue_takes_nothing_at_once()
    {
        await using var here = await Process.StartAsync(new Job("test.work"));
        await here.EnqueueUntilClaimedAtOnceAsync(new JobRequest("test.work"));
        await here.Queue.PauseAsync("default", "maintenance", default);
        var before = here.Handler.Seen.Count;
        await here.QuietAsync();

        var job = (await here.Queue.EnqueueAsync(new JobRequest("test.work"), default)).Id;

        Assert.Equal(0L, await here.Database.ScalarAsync<long>("select count(*) from bus_claims where $1 = any (ids)", job));
        Assert.Equal("paused", await here.Database.ScalarAsync<string>("select waits_for from jobs where id = $1", job));
        await here.Queue.ResumeAsync("default", default);
        await Eventually.BecomesAsync(() => here.StatusAsync(job), status => status == "succeeded", "the job runs once its queue is resumed");
        Assert.Equal(before + 1, here.Handler.Seen.Count);
    }

    [Fact]
    public async Task While_a_job_stands_aside_none_is_claimed_at_once()
    {
        var held = new TaskCompletionSource();
        await using var here = await Process.StartAsync(new Job("test.work"), new Job("test.key", async (_, cancellation) =>
        {
            await held.Task.WaitAsync(cancellation);
            return new JobOutcome.Succeeded();
        }));
        await here.EnqueueUntilClaimedAtOnceAsync(new JobRequest("test.work"));
        var keyed = new JobRequest("test.key") { ConcurrencyKey = "one" };
        var first = (await here.Queue.EnqueueAsync(keyed, default)).Id;
        await Eventually.BecomesAsync(() => here.StatusAsync(first), status => status == "running", "the first holds the key");
        var second = (await here.Queue.EnqueueAsync(keyed, default)).Id;
        await Eventually.BecomesAsync(
            () => here.Database.ScalarAsync<string>("select waits_for from jobs where id = $1", second), reason => reason == "concurrency", "the second stands aside");
        var claimedAtOnce = await here.Database.ScalarAsync<long>(ClaimedAtOnce);
        await here.QuietAsync();

        var third = (await here.Queue.EnqueueAsync(keyed, default)).Id;
        Assert.Equal(claimedAtOnce, await here.Database.ScalarAsync<long>(ClaimedAtOnce));

        held.SetResult();
        foreach (var job in new[] { first, second, third })
        {
            await Eventually.BecomesAsync(() => here.StatusAsync(job), status => status == "succeeded", $"job {job} done");
        }
    }

    [Fact]
    public async Task A_type_that_nobody_here_knows_is_left_to_a_worker_that_does()
    {
        await using var here = await Process.StartAsync(new Job("test.work"));
        await here.EnqueueUntilClaimedAtOnceAsync(new JobRequest("test.work"));
        var claimedAtOnce = await here.Database.ScalarAsync<long>(ClaimedAtOnce);
        await here.QuietAsync();

        var foreign = (await here.Queue.EnqueueAsync(new JobRequest("other.work"), default)).Id;

        Assert.Equal(claimedAtOnce, await here.Database.ScalarAsync<long>(ClaimedAtOnce));
        await Eventually.BecomesAsync(
            () => here.Database.ScalarAsync<string>("select waits_for from jobs where id = $1", foreign), reason => reason == "type", "it waits for its type");
    }

    /// <summary>A bus on which jobs are both enqueued and run.</summary>
    private sealed class Process(TestDatabase database, MessageBus bus, JobWorker worker, Job handler) : IAsyncDisposable
    {
        public TestDatabase Database => database;

        public JobQueue Queue { get; } = new(database.DataSource, bus);

        public Job Handler => handler;

        public static async Task<Process> StartAsync(params Job[] handlers)
        {
            var database = await PostgresServers.CreateDatabaseAsync();
            var options = new BusOptions { WorkerId = "here" };
            var bus = new MessageBus(database.DataSource, options, NullLogger<MessageBus>.Instance);
            var worker = new JobWorker(
                database.DataSource, bus, options, new JobOptions { RunSchedules = false, Concurrency = 4 }, new JobCatalog(handlers), null, NullLoggerFactory.Instance);
            var process = new Process(database, bus, worker, handlers[0]);
            await worker.StartAsync(default);
            return process;
        }

        public Task<string?> StatusAsync(long job) => database.ScalarAsync<string>("select status from jobs where id = $1", job);

        /// <summary>The first may come before the route waits.</summary>
        public async Task<List<long>> EnqueueUntilClaimedAtOnceAsync(JobRequest request)
        {
            var jobs = new List<long>();
            await Eventually.BecomesTrueAsync(
                async () =>
                {
                    jobs.Add((await Queue.EnqueueAsync(request, default)).Id);
                    return await database.ScalarAsync<long>(ClaimedAtOnce) > 0;
                },
                "a job claimed as it was enqueued");
            return jobs;
        }

        /// <summary>Until the route waits again: what is enqueued then would be claimed at once if it may.</summary>
        public async Task QuietAsync()
        {
            await Eventually.BecomesTrueAsync(
                async () => await database.ScalarAsync<long>(
                    "select count(*) from pg_stat_activity where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()") == 0,
                "a quiet database");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await worker.DisposeAsync();
            await bus.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
