using Cogo.Core.Jobs;
using Xunit;

namespace Cogo.Tests.Jobs;

/// <summary>Workers in other languages: plain SQL.</summary>
public class SqlWorkerTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task A_job_is_inserted_claimed_renewed_and_completed_by_sql_alone(int postgres)
    {
        await using var fixture = await JobFixture.CreateAsync(postgres);
        var id = await fixture.Database.ScalarAsync<long>("""insert into jobs (type, payload) values ('report.daily', '{"day": 1}') returning id""");
        var fence = await fixture.Database.ScalarAsync<long>("select fence from claim_one_job('py-1', types => '{report.*}')");
        Assert.Equal("running py-1 1", await fixture.Database.ScalarAsync<string>("select status || ' ' || worker_id || ' ' || attempts from jobs where id = $1", id));

        Assert.True(await fixture.Database.ScalarAsync<bool>("select held from renew_job($1, $2)", id, fence));
        Assert.True(await fixture.Database.ScalarAsync<bool>("select report_progress($1, $2, 0.25, 'a quarter')", id, fence));
        Assert.True(await fixture.Database.ScalarAsync<bool>("""select complete_job($1, $2, '{"rows": 7}')""", id, fence));

        Assert.Equal("""succeeded {"rows": 7}""", await fixture.Database.ScalarAsync<string>("select status || ' ' || result from jobs where id = $1", id));
        Assert.False(await fixture.Database.ScalarAsync<bool>("select complete_job($1, $2)", id, fence));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from worker_heartbeats where alive"));
    }

    [Fact]
    public async Task A_worker_whose_lease_ran_out_changes_nothing()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var id = (await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default)).Id;
        var zombie = await fixture.Database.ScalarAsync<long>("select fence from claim_one_job('w-1')");
        await fixture.Database.ExecuteAsync("update bus_sessions set lease_until = clock_timestamp() - interval '1 second'");
        await fixture.Database.ExecuteAsync("select cogo_reap()");
        await fixture.Database.ExecuteAsync("update bus_deferred set ready_at = clock_timestamp()");
        var fence = await fixture.Database.ScalarAsync<long>("select fence from claim_one_job('w-2')");

        foreach (var call in new[] { "complete_job($1, $2)", "fail_job($1, $2, 'late')", "snooze_job($1, $2, '1 hour')", "report_progress($1, $2, 1)" })
        {
            Assert.False(await fixture.Database.ScalarAsync<bool>($"select {call}", id, zombie));
        }

        Assert.False(await fixture.Database.ScalarAsync<bool>("select held from renew_job($1, $2)", id, zombie));
        Assert.True(await fixture.Database.ScalarAsync<bool>("select complete_job($1, $2)", id, fence));
        Assert.Equal("succeeded 2 w-2", await fixture.Database.ScalarAsync<string>("select status || ' ' || attempts || ' ' || worker_id from jobs where id = $1", id));
    }

    [Fact]
    public async Task A_failed_job_is_retried_after_its_delay_and_given_up_in_the_end()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var id = (await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { MaxAttempts = 2 }, default)).Id;
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var fence = await fixture.Database.ScalarAsync<long>("select fence from claim_one_job('w')");
            Assert.True(await fixture.Database.ScalarAsync<bool>("select fail_job($1, $2, 'no ink', delay => interval '0')", id, fence));
            Assert.Equal(attempt == 1 ? "retrying" : "failed", await fixture.StatusAsync(id));
        }

        Assert.Equal("Attempt 2 of 2: no ink", await fixture.Database.ScalarAsync<string>("select error from jobs_dlq where job_id = $1", id));
    }

    [Fact]
    public async Task A_worker_gets_only_types_it_knows_and_the_others_stay()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var a = (await fixture.Queue.EnqueueAsync(new JobRequest("a.run"), default)).Id;
        var b = (await fixture.Queue.EnqueueAsync(new JobRequest("b.run"), default)).Id;

        Assert.Equal([b], await fixture.ClaimAsync(2, "{b.*}"));
        Assert.Equal([a], await fixture.ClaimAsync(2, "{a.run}"));
    }

    [Fact]
    public async Task Dead_jobs_go_back_under_their_own_id_or_anew_and_only_once()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var one = (await fixture.Queue.EnqueueAsync(new JobRequest("a.run", """{"n": 1}""") { MaxAttempts = 1 }, default)).Id;
        var two = (await fixture.Queue.EnqueueAsync(new JobRequest("b.run", """{"n": 2}""") { MaxAttempts = 1 }, default)).Id;
        for (var i = 0; i < 2; i++)
        {
            await fixture.Database.ExecuteAsync("select fail_job(id, fence, 'no') from claim_one_job('w')");
        }

        Assert.Equal(one, await fixture.Database.ScalarAsync<long>("select retry_failed_jobs(type_prefix => 'a.', dry_run => true)"));
        Assert.Equal("failed", await fixture.StatusAsync(one));
        Assert.Equal(one, await fixture.Database.ScalarAsync<long>("select retry_failed_jobs(type_prefix => 'a.', reset => true)"));
        Assert.Equal("queued", await fixture.StatusAsync(one));
        var replayed = await fixture.Database.ScalarAsync<long>("select replayed_as from replay_dlq()");
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from replay_dlq()"));

        Assert.Equal($"dlq:{two}", await fixture.Database.ScalarAsync<string>("select idempotency_key from jobs where id = $1", replayed));
        Assert.Equal(replayed, await fixture.Database.ScalarAsync<long>("select replayed_as from jobs_dlq where job_id = $1", two));
        Assert.Equal([one, replayed], (await fixture.ClaimAsync(3)).Order());
    }

    [Theory]
    [InlineData("insert into jobs (type) values ('no spaces')", "23514")]
    [InlineData("insert into jobs (type, queue) values ('a', 'b/c')", "23514")]
    [InlineData("insert into jobs (type, priority) values ('a', -101)", "23514")]
    [InlineData("insert into jobs (type, max_attempts) values ('a', 0)", "23514")]
    [InlineData("insert into jobs (payload) values ('{}')", "23514")]
    [InlineData("""insert into jobs (type, payload) values ('a', '"\u0000"')""", "22P05")]
    [InlineData("insert into jobs (type, payload) values ('a', '{')", "22P02")]
    [InlineData("select claim_one_job('')", "23514")]
    [InlineData("select claim_one_job('w', lease => '-1 second')", "23514")]
    [InlineData("select purge_jobs(now(), '{running}')", "23514")]
    public async Task What_cannot_be_is_refused(string sql, string state)
    {
        await using var fixture = await JobFixture.CreateAsync();

        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => fixture.Database.ExecuteAsync(sql));

        Assert.Equal(state, refused.SqlState);
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task A_job_for_the_year_9999_waits()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var id = await fixture.Database.ScalarAsync<long>("insert into jobs (type, next_run_at) values ('a', '9999-12-31 23:59Z') returning id");

        Assert.Empty(await fixture.ClaimAsync(1));
        Assert.Equal("scheduled", await fixture.StatusAsync(id));
        Assert.Equal("cancelled", await fixture.Database.ScalarAsync<string>("select cancel_job($1)", id));
    }
}
