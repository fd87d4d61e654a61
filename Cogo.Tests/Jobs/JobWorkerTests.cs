using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Jobs;

public class JobWorkerTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Jobs_run_and_their_rows_tell_what_became_of_them(int postgres)
    {
        await using var fixture = await JobFixture.CreateAsync(postgres);
        var plain = await fixture.Queue.EnqueueAsync(new JobRequest("test.plain", """{"n": 1}"""), default);
        var telling = await fixture.Queue.EnqueueAsync(new JobRequest("test.telling") { Queue = "default", Tenant = "shop" }, default);
        Assert.Equal("queued", await fixture.StatusAsync(plain.Id));
        var worker = new Job("test.plain");

        await fixture.WorkerAsync([worker, new Job("test.telling", (job, _) => Task.FromResult<JobOutcome>(new JobOutcome.Succeeded(new { Pages = 3 })))]);

        await fixture.BecomesAsync(plain.Id, "succeeded");
        await fixture.BecomesAsync(telling.Id, "succeeded");
        var seen = Assert.Single(worker.Seen);
        Assert.Equal((plain.Id, "default", 1, 5, plain.TraceId), (seen.Id, seen.Queue, seen.Attempt, seen.MaxAttempts, seen.TraceId));
        Assert.Equal(1, seen.Payload.GetProperty("n").GetInt32());
        Assert.Equal("""{"pages": 3}""", await fixture.Database.ScalarAsync<string>("select result::text from jobs where id = $1", telling.Id));
        Assert.Equal(2, await fixture.Database.ScalarAsync<long>(
            "select count(*) from jobs where attempts = 1 and worker_id = 'worker-1' and started_at <= finished_at"));
    }

    [Fact]
    public async Task A_job_is_retried_and_given_up_with_its_last_reason()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync([new Job("test.broken", (_, _) => throw new InvalidOperationException("no paper"))]);
        var first = await fixture.Queue.EnqueueAsync(new JobRequest("test.broken") { MaxAttempts = 1 }, default);
        var waiting = await fixture.Queue.EnqueueAsync(new JobRequest("test.broken") { MaxAttempts = 30 }, default);

        await fixture.BecomesAsync(first.Id, "failed");
        await fixture.BecomesAsync(waiting.Id, "retrying");

        Assert.Equal("retries_exhausted|Attempt 1 of 1: InvalidOperationException: no paper|1", await fixture.Database.ScalarAsync<string>(
            "select error_code || '|' || error || '|' || attempts from jobs where id = $1", first.Id));
        Assert.Equal("InvalidOperationException: no paper", await fixture.Database.ScalarAsync<string>("select error from jobs where id = $1", waiting.Id));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from jobs_dlq where job_id = $1", first.Id));
    }

    [Fact]
    public async Task A_snoozed_job_comes_back_without_an_attempt_being_counted()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var calls = 0;
        var job = new Job("test.sleepy", (_, _) => Task.FromResult<JobOutcome>(
            ++calls <= 3 ? new JobOutcome.Snooze(TimeSpan.FromMilliseconds(20), "not yet") : new JobOutcome.Succeeded()));
        await fixture.WorkerAsync([job]);

        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.sleepy") { MaxAttempts = 1 }, default);

        await fixture.BecomesAsync(receipt.Id, "succeeded");
        Assert.Equal([1, 1, 1, 1], job.Seen.Select(seen => seen.Attempt));
    }

    [Fact]
    public async Task A_job_of_an_unknown_type_waits_visibly_for_a_worker_that_knows_it()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync([new Job("test.known")]);
        var unknown = await fixture.Queue.EnqueueAsync(new JobRequest("report.monthly") { MaxAttempts = 1 }, default);
        await Eventually.BecomesAsync(
            () => fixture.Database.ScalarAsync<string>("select status || ' ' || waits_for from jobs where id = $1", unknown.Id), seen => seen == "queued type", "a job set aside");
        var known = await fixture.Queue.EnqueueAsync(new JobRequest("test.known"), default);
        await fixture.BecomesAsync(known.Id, "succeeded");
        var reports = new Job("report.*");

        await fixture.WorkerAsync([reports]);

        await fixture.BecomesAsync(unknown.Id, "succeeded");
        Assert.Equal(1, Assert.Single(reports.Seen).Attempt);
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from job_waits"));
    }

    [Fact]
    public async Task Progress_and_artifacts_are_kept_under_the_job()
    {
        await using var fixture = await JobFixture.CreateAsync();
        using var folder = new TemporaryFolder();
        var store = new LocalArtifactStore(fixture.Database.DataSource, new ArtifactOptions { BasePath = folder.Path });
        await fixture.WorkerAsync(
            [new Job("test.report", async (job, cancellationToken) =>
            {
                await job.ReportProgressAsync(0.5, "half", cancellationToken);
                using var content = new MemoryStream("done"u8.ToArray());
                var artifact = await job.SaveArtifactAsync("report.txt", content, "text/plain", cancellationToken);
                return new JobOutcome.Succeeded(new { artifact.Path });
            })],
            artifacts: store);

        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.report"), default);

        await fixture.BecomesAsync(receipt.Id, "succeeded");
        Assert.Equal("0.5 half", await fixture.Database.ScalarAsync<string>("select progress || ' ' || progress_message from jobs where id = $1", receipt.Id));
        Assert.Equal(receipt.TraceId, await fixture.Database.ScalarAsync<string>("select trace_id from artifacts where path = $1", $"job-{receipt.Id}/report.txt"));
    }

    [Fact]
    public async Task Jobs_for_an_executor_are_left_to_it()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var (other, own) = (new Job("test.run"), new Job("test.run"));
        var forB = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { ExecutorId = "b" }, default);
        await fixture.WorkerAsync([other], options => options with { ExecutorId = "a" });
        var forAny = await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
        await fixture.BecomesAsync(forAny.Id, "succeeded");
        Assert.Equal("queued", await fixture.StatusAsync(forB.Id));

        await fixture.WorkerAsync([own], options => options with { ExecutorId = "b" });

        await fixture.BecomesAsync(forB.Id, "succeeded");
        Assert.Equal(forB.Id, Assert.Single(own.Seen).Id);
    }

    [Fact]
    public async Task A_worker_ends_after_as_many_jobs_as_it_was_told()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var job = new Job("test.run");
        var receipts = await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run"), 5)], default);

        var worker = await fixture.WorkerAsync([job], options => options with { MaxJobs = 3 });
        await worker.Completion.WaitAsync(TimeSpan.FromSeconds(20));
        await worker.DisposeAsync();

        Assert.Equal(3, job.Seen.Count);
        Assert.Equal("2|3", await fixture.Database.ScalarAsync<string>(
            "select count(*) filter (where status <> 'succeeded') || '|' || count(*) filter (where status = 'succeeded') from jobs"));
        Assert.Equal(5, receipts.Count);
    }

    [Fact]
    public async Task A_stop_hands_back_what_runs_and_the_attempt_does_not_count()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var slow = new Job("test.slow", async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new JobOutcome.Succeeded();
        });
        var worker = await fixture.WorkerAsync([slow], options => options with { DrainTimeout = TimeSpan.FromMilliseconds(10) });
        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.slow") { MaxAttempts = 1 }, default);
        await fixture.BecomesAsync(receipt.Id, "running");

        await worker.DisposeAsync();

        Assert.Equal("queued 0", await fixture.Database.ScalarAsync<string>("select status || ' ' || attempts from jobs where id = $1", receipt.Id));
    }

    [Fact]
    public async Task A_message_on_a_queues_route_that_is_no_job_is_given_up_with_the_reason()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync([new Job("test.run")]);

        await fixture.Database.ExecuteAsync("insert into agent_messages (service, role, payload) values ('jobs', 'default', '[1]')");

        await Eventually.BecomesAsync(
            () => fixture.Database.ScalarAsync<string>("select error_code from jobs_dlq"), seen => seen == "malformed_job", "a malformed job");
    }

    [Fact]
    public async Task A_result_that_cannot_be_stored_is_a_failed_attempt()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync([new Job("test.nul", (_, _) => Task.FromResult<JobOutcome>(new JobOutcome.Succeeded("a\0b")))]);

        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.nul") { MaxAttempts = 1 }, default);

        await fixture.BecomesAsync(receipt.Id, "failed");
    }

    [Fact]
    public async Task Jobs_enqueued_in_a_transaction_exist_when_it_commits()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await using var connection = await fixture.Database.DataSource.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await fixture.Queue.EnqueueAsync(transaction, [new JobRequest("test.run")], default);
            await transaction.RollbackAsync();
        }

        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await fixture.Queue.EnqueueAsync(transaction, [new JobRequest("test.run")], default);
            Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
            await transaction.CommitAsync();
        }

        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Theory]
    [InlineData("Bad", "{}", "type")]
    [InlineData("test.run", "{", "Payload")]
    [InlineData("test.run", "\"\\u0000\"", "NUL")]
    public async Task What_cannot_be_a_job_is_refused_with_the_field(string type, string payload, string named)
    {
        await using var fixture = await JobFixture.CreateAsync();

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => fixture.Queue.EnqueueAsync(new JobRequest(type, payload), default));

        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_is_for_one_job_and_refuses_another()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var job = new JobRequest("test.run", """{"n": 1}""") { IdempotencyKey = "once" };
        var first = await fixture.Queue.EnqueueAsync(job, default);

        var again = await fixture.Queue.EnqueueAsync(job, default);

        Assert.Equal((first.Id, true), (again.Id, again.Duplicate));
        await Assert.ThrowsAsync<IdempotencyConflictException>(() => fixture.Queue.EnqueueAsync(job with { Payload = """{"n": 2}""" }, default));
        Assert.Equal(first.Id, await fixture.Database.ScalarAsync<long>(
            """insert into jobs (type, payload, idempotency_key) values ('test.run', '{"n": 1}', 'once') returning id"""));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }
}
