using System.Diagnostics;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Jobs;

/// <summary>Jobs that cannot run here do not keep those behind them waiting.</summary>
public class StandAsideTests
{
    private const int Many = 4000;

    /// <summary>A job a time took 40 s for so many on an idle machine.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Thousands_of_other_types_ahead_are_put_aside_and_the_lease_begins_afterwards(int postgres)
    {
        await using var fixture = await JobFixture.CreateAsync(postgres);
        await EnqueueAsync(fixture, "bulk.a", Many);
        var wanted = (await fixture.Queue.EnqueueAsync(new JobRequest("bulk.b"), default)).Id;
        var begun = Stopwatch.GetTimestamp();

        var claimed = await Eventually.BecomesAsync(
            () => fixture.Database.ScalarAsync<string>(
                "select id || ' ' || (lease_until > clock_timestamp()) from claim_one_job('b', types => '{bulk.b}', lease => '1 second')"),
            answer => answer is not null, "a claim");

        Assert.Equal($"{wanted} true", claimed);
        Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.Zero, Soon);
        Assert.Equal(Many, await fixture.Database.ScalarAsync<long>(
            "select count(*) from jobs where status = 'queued' and waits_for = 'type' and attempts = 0 and started_at is null and worker_id is null"));
        Assert.Equal([1, 2, 3], await fixture.ClaimAsync(3, "{bulk.*}"));
        Assert.Equal(1, await fixture.Database.ScalarAsync<int>("select max(attempts) from jobs"));
    }

    [Fact]
    public async Task A_worker_puts_types_it_does_not_know_aside_without_looking_at_each()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await EnqueueAsync(fixture, "u.x", Many);
        var known = await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);

        await fixture.WorkerAsync([new Job("test.run")]);

        await fixture.BecomesAsync(known.Id, "succeeded");
        Assert.Equal(Many, await fixture.Database.ScalarAsync<long>("select count(*) from job_waits where reason = 'type'"));
        // One a job, when each came to the handler.
        Assert.InRange(await fixture.Database.ScalarAsync<long>("select count(*) from bus_acks"), 1, 100);
        var other = new Job("u.*");
        await fixture.WorkerAsync([other]);
        await Eventually.BecomesAsync(() => Task.FromResult(other.Seen.Count), seen => seen == Many, "all of the other type");
    }

    [Fact]
    public async Task A_job_that_stands_aside_again_keeps_its_place_among_those_of_its_key()
    {
        await using var fixture = await JobFixture.CreateAsync();
        for (var i = 0; i < 4; i++)
        {
            await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { ConcurrencyKey = "one" }, default);
        }

        Assert.Equal([1], await fixture.ClaimAsync(4));
        // As if another had been quicker when its turn came.
        await fixture.Database.ExecuteAsync("update job_waits set since = clock_timestamp() where job_id = 2");
        await fixture.Database.ExecuteAsync("select complete_job(1, (select claim_id from bus_claims where ids = '{1}'))");

        Assert.Equal([2], await fixture.ClaimAsync(4));
    }

    [Fact]
    public async Task Jobs_behind_others_are_claimed_in_their_order_and_each_attempt_is_the_first()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await EnqueueAsync(fixture, "bulk.a", 40);
        await EnqueueAsync(fixture, "bulk.b", 20);
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("bulk.a") { Priority = 5 }, 10)], default);
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("bulk.b") { Priority = 5 }, 10)], default);

        Assert.Equal([.. Enumerable.Range(71, 10), .. Enumerable.Range(41, 20)], (await fixture.ClaimAsync(31, "{bulk.b}")).Select(static id => (int)id));
        Assert.Equal([.. Enumerable.Range(61, 10), .. Enumerable.Range(1, 40)], (await fixture.ClaimAsync(51, "{bulk.a}")).Select(static id => (int)id));
        Assert.Equal(80, await fixture.Database.ScalarAsync<long>("select count(*) from jobs where status = 'running' and attempts = 1 and started_at is not null"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from job_waits"));
    }

    [Fact]
    public async Task Jobs_whose_key_is_in_use_do_not_hide_another()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run") { ConcurrencyKey = "printer", ConcurrencyLimit = 2 }, 600)], default);
        var free = (await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default)).Id;

        Assert.Equal([1, 2, free], await fixture.ClaimAsync(4));
        Assert.Equal(598, await fixture.Database.ScalarAsync<long>("select count(*) from jobs where waits_for = 'concurrency' and started_at is null"));
        await fixture.Database.ExecuteAsync("select complete_job(id, (select min(claim_id) from job_permits where job_id = 1)) from jobs where id = 1");
        Assert.Single(await fixture.ClaimAsync(2));
    }

    /// <summary>Published as plain messages are: claimed from the table they were appended to.</summary>
    private static Task EnqueueAsync(JobFixture fixture, string type, int count) => fixture.Database.ExecuteAsync(
        """insert into agent_messages (service, role, payload) select 'jobs', 'default', jsonb_build_object('type', $1::text, 'payload', '{}'::jsonb) from generate_series(1, $2::int)""",
        type, count);
}
