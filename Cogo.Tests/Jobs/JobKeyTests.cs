using Cogo.Core.Bus;
using Cogo.Core.Database;
using Cogo.Core.Jobs;
using Xunit;

namespace Cogo.Tests.Jobs;

/// <summary>An idempotency key holds in its queue, whoever is to run the job.</summary>
public class JobKeyTests
{
    [Fact]
    public async Task A_key_holds_in_its_queue_whatever_executor_a_job_names()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var first = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { IdempotencyKey = "once", ExecutorId = "a" }, default);

        foreach (var executor in new[] { "a", "b", null })
        {
            Assert.Equal(new JobReceipt(first.Id, first.TraceId, Duplicate: true),
                await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { IdempotencyKey = "once", ExecutorId = executor }, default));
            Assert.Equal(first.Id, await fixture.Database.ScalarAsync<long>(
                "insert into jobs (type, idempotency_key, executor_id) values ('test.run', 'once', $1) returning id", (object?)executor ?? DBNull.Value));
        }

        await Assert.ThrowsAsync<IdempotencyConflictException>(
            () => fixture.Queue.EnqueueAsync(new JobRequest("test.other") { IdempotencyKey = "once", ExecutorId = "c" }, default));
        Assert.False((await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { IdempotencyKey = "once", Queue = "other" }, default)).Duplicate);
        // By hand, past the view: left behind when it is claimed.
        await fixture.Database.ExecuteAsync(
            """insert into agent_messages (service, role, shard, payload, idempotency_key) values ('jobs', 'default', 'b', '{"type": "test.run", "payload": {}}', 'once')""");

        Assert.Equal(first.Id, await fixture.Database.ScalarAsync<long>("select id from claim_one_job('w', executor_id => 'a')"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from claim_one_job('w', executor_id => 'b')"));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'message_duplicate'"));
        Assert.Equal($"Has the same idempotency key as job {first.Id}.", await fixture.Database.ScalarAsync<string>("select error from jobs where status = 'cancelled'"));
    }

    [Fact]
    public async Task Keys_that_were_kept_by_executor_hold_on()
    {
        await using var fixture = await JobFixture.CreateAsync();
        // As they were written before: two jobs of one queue, each the first of its executor.
        foreach (var executor in new[] { "a", "b" })
        {
            await fixture.Database.ExecuteAsync(
                """
                with m as (
                  insert into agent_messages (service, role, shard, payload, idempotency_key)
                  values ('jobs', 'default', $1, '{"type": "test.run", "payload": {}}', 'once') returning *)
                insert into bus_keys (lane, key, message_id, trace_id, payload) select lane, idempotency_key, id, trace_id, md5(payload::text) from m
                """,
                executor);
        }

        await fixture.Database.ExecuteAsync(MigrationScript.Embedded.Single(static script => script.FileName == "0022_job_claims.sql").Sql);

        var known = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { IdempotencyKey = "once", ExecutorId = "c" }, default);
        Assert.Equal((1, true), (known.Id, known.Duplicate));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select id from claim_one_job('w', executor_id => 'a')"));
        Assert.Equal(2, await fixture.Database.ScalarAsync<long>("select id from claim_one_job('w', executor_id => 'b')"));
        Assert.Equal(2, await fixture.Database.ScalarAsync<long>("select count(*) from jobs where status = 'running' and error is null"));
    }

    [Fact]
    public async Task A_dead_job_is_put_back_or_replayed_and_not_both()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync([new JobRequest("a.run") { ExecutorId = "a" }, new JobRequest("b.run") { ExecutorId = "a" }], default);
        for (var i = 0; i < 2; i++)
        {
            await fixture.Database.ExecuteAsync("select fail_job(id, fence, 'no', retry => false) from claim_one_job('w', executor_id => 'a')");
        }

        var replayed = await fixture.Database.ScalarAsync<long>("select replayed_as from replay_dlq(type_prefix => 'a.')");

        Assert.Equal("2", await fixture.Database.ScalarAsync<string>("select string_agg(r::text, ',') from retry_failed_jobs() r"));
        Assert.Equal("1 retrying 2 5", await fixture.Database.ScalarAsync<string>("select attempts || ' ' || status || ' ' || id || ' ' || max_attempts from jobs where id = 2"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from replay_dlq()"));
        Assert.Equal("failed", await fixture.StatusAsync(1));
        Assert.Equal([2, replayed], new[]
        {
            await fixture.Database.ScalarAsync<long>("select id from claim_one_job('w', executor_id => 'a')"),
            await fixture.Database.ScalarAsync<long>("select id from claim_one_job('w', executor_id => 'a')"),
        }.Order());
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from claim_one_job('w', executor_id => 'a')"));
    }
}
