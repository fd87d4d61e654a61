using Cogo.Core.Jobs;
using Xunit;

namespace Cogo.Tests.Jobs;

public class RetentionTests
{
    private const string OldDay = "20260102";

    private static async Task<JobFixture> WithOldDayAsync()
    {
        var fixture = await JobFixture.CreateAsync();
        foreach (var parent in new[] { "agent_messages", "bus_events" })
        {
            await fixture.Database.ExecuteAsync($"create table {parent}_{OldDay} partition of {parent} for values from ('2026-01-02 00:00+00') to ('2026-01-03 00:00+00')");
        }

        return fixture;
    }

    private static Task<int> InsertOldAsync(JobFixture fixture, int jobs, string more = "") => fixture.Database.ExecuteAsync(
        $$"""insert into agent_messages (service, role, payload, created_at{{(more.Length > 0 ? ", priority" : "")}}) select 'jobs', 'default', '{"type": "old.run"}', '2026-01-02 12:00Z'{{more}} from generate_series(1, {{jobs}})""");

    private static Task<string?> DropAsync(JobFixture fixture) =>
        fixture.Database.ScalarAsync<string>("select coalesce(string_agg(name, ','), '') from cogo_drop_old_partitions(interval '7 days') name where name like 'agent%'");

    [Fact]
    public async Task An_old_day_is_dropped_when_all_its_jobs_are_finished()
    {
        await using var fixture = await WithOldDayAsync();
        await InsertOldAsync(fixture, 3);
        Assert.Equal("", await DropAsync(fixture));
        var claimed = await fixture.ClaimAsync(3);
        Assert.Equal(3, claimed.Count);
        Assert.Equal("", await DropAsync(fixture));
        await fixture.Database.ExecuteAsync("select complete_job(m.id, c.claim_id) from agent_messages m join bus_claims c on m.id = any (c.ids)");

        Assert.Equal($"agent_messages_{OldDay}", await DropAsync(fixture));
    }

    [Fact]
    public async Task An_old_day_stays_while_a_job_with_a_priority_was_never_looked_at()
    {
        await using var fixture = await WithOldDayAsync();
        await InsertOldAsync(fixture, 1, ", 5");
        Assert.Equal("", await DropAsync(fixture));

        // Claimed, it has a copy of its own.
        Assert.Single(await fixture.ClaimAsync(1));

        Assert.Equal($"agent_messages_{OldDay}", await DropAsync(fixture));
    }

    [Fact]
    public async Task Purging_takes_finished_jobs_only_and_shows_first_what_it_would_take()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run"), 3)], default);
        await fixture.Database.ExecuteAsync("select complete_job(id, fence, '1') from claim_one_job('w')");
        await fixture.Database.ExecuteAsync("select fail_job(id, fence, 'no', retry => false) from claim_one_job('w')");

        Assert.Equal(2, await fixture.Database.ScalarAsync<long>("select count(*) from purge_jobs(clock_timestamp())"));
        Assert.Equal(3, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
        await fixture.Database.ExecuteAsync("select purge_jobs(clock_timestamp(), dry_run => false)");

        Assert.Equal("queued", await fixture.Database.ScalarAsync<string>("select string_agg(status, ',') from jobs"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs_dlq"));
    }
}
