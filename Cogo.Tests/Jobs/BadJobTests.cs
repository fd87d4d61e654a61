using Cogo.Core.Jobs;
using Xunit;

namespace Cogo.Tests.Jobs;

/// <summary>What cannot be a job is refused in a sentence that names the field; what got in by the back door harms nobody.</summary>
public class BadJobTests
{
    /// <summary>Jobs and a part of the sentence that refuses each.</summary>
    private static readonly (Func<JobRequest, JobRequest> Change, string Sentence)[] Wrong =
    [
        (job => job with { Queue = "b/c" }, "'b/c' cannot be the name of a queue"),
        (job => job with { ExecutorId = "Big One" }, "'Big One' cannot be an executor's id"),
        (job => job with { Priority = -101 }, "Priority is -101: use -100 to 100"),
        (job => job with { MaxAttempts = 0 }, "MaxAttempts is 0: use 1 to 1000"),
        (job => job with { Delay = TimeSpan.FromDays(366 * 7973) }, "at most ten years"),
        (job => job with { Delay = TimeSpan.FromSeconds(-1) }, "Delay is -00:00:01"),
        (job => job with { TimeToLive = TimeSpan.Zero }, "TimeToLive is 00:00:00: use a positive time"),
        (job => job with { IdempotencyKey = "" }, "IdempotencyKey must have 1 to 300 characters"),
        (job => job with { IdempotencyKey = "a\0b" }, "no NUL"),
        (job => job with { Tenant = new string('t', 201) }, "Tenant must have 1 to 200 characters"),
        (job => job with { ConcurrencyKey = new string('k', 301) }, "ConcurrencyKey must have 1 to 300 characters"),
        (job => job with { ConcurrencyKey = "k", ConcurrencyLimit = 0 }, "ConcurrencyLimit is 0: use 1 or more"),
        (job => job with { TraceId = "abc" }, "TraceId is not a W3C trace id"),
        (job => job with { Payload = $"\"{new string('x', 5 * 1024 * 1024)}\"" }, "the limit is 5242880: store the content as an artifact"),
    ];

    [Fact]
    public async Task What_cannot_be_a_job_is_refused_in_a_sentence_that_names_the_field()
    {
        await using var fixture = await JobFixture.CreateAsync();
        foreach (var (change, sentence) in Wrong)
        {
            // Together with a good one: all or none.
            var refused = await Assert.ThrowsAnyAsync<ArgumentException>(
                () => fixture.Queue.EnqueueAsync([new JobRequest("test.run"), change(new JobRequest("test.run"))], default));
            Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task Plain_sql_is_refused_in_the_same_sentences()
    {
        await using var fixture = await JobFixture.CreateAsync();
        foreach (var (column, value, sentence) in new[]
        {
            ("id", "1", "The job's id is 1: leave it out, the queue gives it."),
            ("executor_id", "'Big One'", "The job's executor_id is 'Big One': use 1 to 63"),
            ("priority", "-101", "The job's priority is -101: use -100 to 100."),
            ("max_attempts", "0", "The job's max_attempts is 0: use 1 to 1000."),
            ("next_run_at", "'10000-01-01 00:00+00'", "use a time before the year 10000."),
            ("next_run_at", "'infinity'", "next_run_at is infinity"),
            ("expires_at", "'294000-01-01'", "use a time before the year 10000, or null."),
            ("idempotency_key", "''", "idempotency_key must have 1 to 300 characters."),
            ("tenant", "repeat('t', 201)", "tenant must have 1 to 200 characters."),
            ("concurrency_key", "repeat('k', 301)", "concurrency_key must have 1 to 300 characters."),
            ("concurrency_limit", "0", "concurrency_limit is 0: use 1 or more."),
            ("trace_id", "'abc'", "trace_id is 'abc': use 32 lowercase hex digits."),
            ("payload", "to_jsonb(repeat('x', 5242880))", "payload has 5242882 bytes and the limit is 5242880: store the content as an artifact"),
        })
        {
            var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(
                () => fixture.Database.ExecuteAsync($"insert into jobs (type, {column}) values ('test.run', {value})"));
            Assert.Equal("23514", refused.SqlState);
            Assert.Contains(sentence, refused.MessageText, StringComparison.Ordinal);
        }

        await fixture.Database.ExecuteAsync("insert into jobs (type, payload, idempotency_key) values ('test.run', '1', 'once')");
        var conflict = await Assert.ThrowsAsync<Npgsql.PostgresException>(
            () => fixture.Database.ExecuteAsync("insert into jobs (type, payload, idempotency_key) values ('test.run', '2', 'once')"));
        Assert.Equal("23505", conflict.SqlState);
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task Calls_that_cannot_be_right_are_refused_in_sentences()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
        var fence = await fixture.Database.ScalarAsync<long>("select fence from claim_one_job('w')");
        foreach (var (call, sentence) in new[]
        {
            ($"renew_job(1, {fence}, '-1 s')", "lease is -00:00:01: use 1 second to 1 day"),
            ($"renew_job(1, {fence}, '2 days')", "lease is 2 days: use 1 second to 1 day"),
            ("renew_job(4711, 1, null)", "lease is null: use 1 second to 1 day"),
            ("claim_one_job('w', lease => null)", "lease is null: use 1 second to 1 day"),
            ("claim_one_job('w', queues => null)", "queues is null or empty"),
            ("claim_one_job('w', queues => '{default,null}')", "queues is null or empty, or holds a null: name at least one queue"),
            ("claim_one_job('w', types => '{}')", "types is null or empty, or holds a null: name at least one type"),
            ($"report_progress(1, {fence}, 2)", "fraction is 2: use 0 to 1."),
            ($"report_progress(1, {fence}, 'NaN')", "fraction is NaN: use 0 to 1."),
            ($"report_progress(1, {fence}, null)", "fraction is null: use 0 to 1."),
            ("pause_queue('BAD/x')", "'BAD/x' cannot be the name of a queue"),
            ("pause_queue(null)", "null cannot be the name of a queue"),
        })
        {
            var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => fixture.Database.ExecuteAsync($"select {call}"));
            Assert.Equal("23514", refused.SqlState);
            Assert.Contains(sentence, refused.MessageText, StringComparison.Ordinal);
        }

        Assert.True(await fixture.Database.ScalarAsync<bool>("select held and lease_until > clock_timestamp() from renew_job(1, $1), bus_sessions where host = 'sql'", fence));
    }

    [Fact]
    public async Task A_job_that_never_expires_is_run_and_a_negative_priority_goes_last()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var last = await fixture.Database.ScalarAsync<long>("insert into jobs (type, priority) values ('test.run', -100) returning id");
        var first = await fixture.Database.ScalarAsync<long>("insert into jobs (type, expires_at) values ('test.run', 'infinity') returning id");
        var next = await fixture.Database.ScalarAsync<long>("insert into jobs (type, next_run_at) values ('test.run', '-infinity') returning id");

        Assert.Equal([next, first, last], await fixture.ClaimAsync(4));
    }

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Messages_on_a_queues_route_that_are_no_jobs_are_given_up_and_hide_no_other(int postgres)
    {
        await using var fixture = await JobFixture.CreateAsync(postgres);
        foreach (var body in new[] { "[1]", "5", """{"type": 5}""", $$"""{"type": "test.run", "concurrency_key": "{{new string('k', 301)}}"}""" })
        {
            await fixture.Database.ExecuteAsync($"insert into agent_messages (service, role, payload) values ('jobs', 'default', '{body}')");
        }

        await fixture.Database.ExecuteAsync(
            """insert into agent_messages (service, role, payload) values ('jobs', 'default', '{"type": "test.run", "concurrency_key": "k", "concurrency_limit": "some"}')""");
        var good = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { ConcurrencyKey = "k", ConcurrencyLimit = 3 }, default);

        var claimed = await fixture.ClaimAsync(10);

        Assert.Equal(2, claimed.Count);
        Assert.Contains(good.Id, claimed);
        Assert.Equal("3", await fixture.Database.ScalarAsync<string>("select string_agg(concurrency_limit::text, ',') from jobs"));
        Assert.Equal(4, await fixture.Database.ScalarAsync<long>("select count(*) from jobs_dlq where error_code = 'malformed_job'"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from replay_dlq()"));
    }

    [Fact]
    public async Task A_replayed_job_keeps_the_limit_of_its_key()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { ConcurrencyKey = "printer", ConcurrencyLimit = 4 }, default);
        await fixture.Database.ExecuteAsync("select fail_job(id, fence, 'no ink', retry => false) from claim_one_job('w')");

        var replayed = await fixture.Database.ScalarAsync<long>("select replayed_as from replay_dlq()");

        Assert.Equal("printer 4", await fixture.Database.ScalarAsync<string>("select concurrency_key || ' ' || concurrency_limit from jobs where id = $1", replayed));
    }

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task A_running_job_that_was_committed_out_of_order_is_seen_running_and_can_be_cancelled(int postgres)
    {
        await using var fixture = await JobFixture.CreateAsync(postgres);
        await using var connection = await fixture.Database.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var late = Assert.Single(await fixture.Queue.EnqueueAsync(transaction, [new JobRequest("test.wait")], default)).Id;
        for (var i = 0; i < 6; i++)
        {
            await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
            Assert.Single(await fixture.ClaimAsync(1));
        }

        await transaction.CommitAsync();
        // The worker's claim takes both, and so its cursor is far behind the first of them.
        var other = await fixture.Queue.EnqueueAsync(new JobRequest("test.wait"), default);
        await fixture.WorkerAsync([new Job("test.wait", async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new JobOutcome.Succeeded();
        })]);
        await fixture.BecomesAsync(other.Id, "running");

        Assert.Equal("running worker-1 1", await fixture.Database.ScalarAsync<string>("select status || ' ' || worker_id || ' ' || attempts from jobs where id = $1 and started_at is not null", late));
        Assert.Equal(CancelAnswer.Requested, await fixture.Queue.CancelAsync(late, "enough", default));
        await fixture.BecomesAsync(late, "cancelled");
    }
}
