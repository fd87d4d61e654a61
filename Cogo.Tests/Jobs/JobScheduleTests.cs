using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Jobs;

public class JobScheduleTests
{
    [Fact]
    public async Task A_due_schedule_enqueues_one_job_however_many_workers_stand_ready()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var next = await fixture.Schedules.SetAsync("nightly", "0 2 * * *", new JobRequest("test.run", """{"n": 1}"""), default);
        Assert.True(next > DateTimeOffset.UtcNow);
        await fixture.Database.ExecuteAsync("update job_schedules set next_run_at = date_trunc('minute', clock_timestamp()) - interval '3 days'");

        var enqueued = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => fixture.Schedules.EnqueueDueAsync(default)));

        Assert.Equal(1, enqueued.Sum(round => round.Enqueued));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("""select count(*) from jobs where payload = '{"n": 1}' and idempotency_key like 'cron:nightly:%'"""));
        Assert.True(await fixture.Database.ScalarAsync<bool>("select next_run_at > clock_timestamp() from job_schedules"));
    }

    [Fact]
    public async Task Another_worker_leads_when_the_leader_falls_silent()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Database.ExecuteAsync("insert into leaders (name, holder, term, lease_until) values ('job_schedules', 'dead', 7, clock_timestamp() + interval '1 second')");
        await fixture.Schedules.SetAsync("nightly", "0 2 * * *", new JobRequest("test.run"), default);
        await fixture.Database.ExecuteAsync("update job_schedules set next_run_at = clock_timestamp()");
        var job = new Job("test.run");

        await fixture.WorkerAsync([job], options => options with { RunSchedules = true, LeaderLease = TimeSpan.FromMilliseconds(600) });

        await Eventually.BecomesTrueAsync(() => job.Seen.Count == 1, "the nightly job");
        Assert.Equal(8, await fixture.Database.ScalarAsync<long>("select term from leaders"));
    }

    [Fact]
    public async Task A_leader_is_refused_while_another_holds_the_lease_and_keeps_its_term_when_it_renews()
    {
        await using var fixture = await JobFixture.CreateAsync();
        const string Lead = "select cogo_lead('x', $1, interval '1 minute')";

        Assert.Equal(1, await fixture.Database.ScalarAsync<long>(Lead, "a"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>(Lead, "b"));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>(Lead, "a"));
        await fixture.Database.ExecuteAsync("update leaders set lease_until = clock_timestamp() - interval '1 second'");
        Assert.Equal(2, await fixture.Database.ScalarAsync<long>(Lead, "b"));
    }

    [Fact]
    public async Task A_leader_with_nothing_to_do_waits()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Database.ExecuteAsync("create table renewals (at timestamptz)");
        await fixture.Database.ExecuteAsync(
            "create function note() returns trigger language plpgsql as 'begin insert into renewals values (clock_timestamp()); return new; end'");
        await fixture.Database.ExecuteAsync("create trigger note after insert or update on leaders for each row execute function note()");

        await fixture.WorkerAsync([new Job("test.run")], options => options with { RunSchedules = true, LeaderLease = TimeSpan.FromSeconds(1) });

        await Eventually.BecomesTrueAsync(() => fixture.Database.ScalarAsync<bool>("select count(*) >= 4 from renewals"), "four renewals");
        Assert.True(await fixture.Database.ScalarAsync<bool>("select max(at) - min(at) > interval '500 milliseconds' from (select at from renewals order by at limit 4) r"));
    }

    [Fact]
    public async Task A_schedule_that_never_comes_is_refused()
    {
        await using var fixture = await JobFixture.CreateAsync();

        await Assert.ThrowsAsync<FormatException>(() => fixture.Schedules.SetAsync("never", "0 0 30 2 *", new JobRequest("test.run"), default));

        Assert.False(await fixture.Schedules.RemoveAsync("never", default));
    }
}
