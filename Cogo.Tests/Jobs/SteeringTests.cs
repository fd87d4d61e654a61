using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Jobs;

/// <summary>Cancelling, pausing, caps, turns.</summary>
public class SteeringTests
{
    [Fact]
    public async Task A_waiting_job_that_is_cancelled_never_runs()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var later = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { Delay = TimeSpan.FromHours(1) }, default);
        var ordinary = await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
        var other = await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
        Assert.NotEqual(CancelAnswer.Unknown, await fixture.Queue.CancelAsync(later.Id, "changed my mind", default));
        Assert.Equal(CancelAnswer.Requested, await fixture.Queue.CancelAsync(ordinary.Id, "changed my mind", default));
        Assert.Equal(CancelAnswer.Unknown, await fixture.Queue.CancelAsync(4711, "?", default));
        var job = new Job("test.run");

        await fixture.WorkerAsync([job]);

        await fixture.BecomesAsync(other.Id, "succeeded");
        await fixture.BecomesAsync(ordinary.Id, "cancelled");
        Assert.Equal("changed my mind", await fixture.Database.ScalarAsync<string>("select error from jobs where id = $1", ordinary.Id));
        Assert.Equal(other.Id, Assert.Single(job.Seen).Id);
        Assert.Equal(CancelAnswer.Finished, await fixture.Queue.CancelAsync(other.Id, "too late", default));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs_dlq"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_wish_to_cancel_reaches_the_running_handler_by_the_bell_or_by_polling(bool listen)
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync(
            [new Job("test.slow", async (_, cancellationToken) =>
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return new JobOutcome.Succeeded();
            })],
            options => options with { CancelPollInterval = listen ? TimeSpan.FromHours(1) : TimeSpan.FromMilliseconds(50) },
            bus: options => options with { Listen = listen });
        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.slow"), default);
        await fixture.BecomesAsync(receipt.Id, "running");

        Assert.Equal(CancelAnswer.Requested, await fixture.Queue.CancelAsync(receipt.Id, "enough", default));

        await fixture.BecomesAsync(receipt.Id, "cancelled");
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from job_cancellations"));
    }

    [Fact]
    public async Task A_job_under_a_key_waits_while_the_key_is_in_use()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var (running, most) = (0, 0);
        var job = new Job("test.run", async (_, cancellationToken) =>
        {
            var now = Interlocked.Increment(ref running);
            most = Math.Max(most, now);
            await Task.Delay(20, cancellationToken);
            Interlocked.Decrement(ref running);
            return new JobOutcome.Succeeded();
        });
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run") { ConcurrencyKey = "printer", ConcurrencyLimit = 2 }, 12)], default);

        await fixture.WorkerAsync([job]);
        await fixture.WorkerAsync([job]);

        await Eventually.BecomesAsync(
            () => fixture.Database.ScalarAsync<long>("select count(*) from jobs where status = 'succeeded'"), done => done == 12, "12 jobs");
        Assert.Equal(2, most);
        Assert.Equal(12, job.Seen.Count);
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from job_permits"));
    }

    [Fact]
    public async Task A_worker_that_died_holds_no_permit()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run") { ConcurrencyKey = "printer" }, 2)], default);
        var first = Assert.Single(await fixture.ClaimAsync(2));
        await fixture.Database.ExecuteAsync("update bus_sessions set lease_until = clock_timestamp() - interval '1 second' where ended_at is null");

        var next = Assert.Single(await fixture.ClaimAsync(1, worker: "sql-2"));

        Assert.NotEqual(first, next);
        Assert.Equal("retrying", await fixture.StatusAsync(first));
    }

    [Fact]
    public async Task A_paused_queue_begins_nothing_until_it_is_resumed()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.PauseAsync("default", "maintenance", default);
        await fixture.WorkerAsync([new Job("test.run")], options => options with { Queues = ["default", "other"] });
        var paused = await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
        var other = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { Queue = "other" }, default);
        await fixture.BecomesAsync(other.Id, "succeeded");
        Assert.Empty(await fixture.ClaimAsync(1));
        Assert.Equal("queued paused", await fixture.Database.ScalarAsync<string>("select status || ' ' || waits_for from jobs where id = $1", paused.Id));
        Assert.Equal("succeeded", await fixture.Database.ScalarAsync<string>("select concat_ws(' ', status, waits_for) from jobs where id = $1", other.Id));

        await fixture.Queue.ResumeAsync("default", default);

        await fixture.BecomesAsync(paused.Id, "succeeded");
    }

    [Fact]
    public async Task Higher_priorities_go_first_and_what_is_due_later_waits()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var low = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { Priority = -1 }, default);
        var ordinary = await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
        var high = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { Priority = 9 }, default);
        var later = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { Priority = 100, Delay = TimeSpan.FromHours(1) }, default);

        Assert.Equal([high.Id, ordinary.Id, low.Id], await fixture.ClaimAsync(4));
        Assert.Equal("scheduled", await fixture.StatusAsync(later.Id));
    }

    [Fact]
    public async Task A_tenant_with_one_job_does_not_wait_for_another_with_a_thousand()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run") { Tenant = "big" }, 1000)], default);
        await fixture.ClaimAsync(20);
        var small = await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run") { Tenant = "small" }, 5)], default);

        var next = await fixture.ClaimAsync(14);

        Assert.Subset(next.ToHashSet(), small.Select(receipt => receipt.Id).ToHashSet());
    }

    [Fact]
    public async Task A_retried_job_of_a_tenant_is_not_kept_behind_a_backlog()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Queue.EnqueueAsync([.. Enumerable.Repeat(new JobRequest("test.run") { Tenant = "big" }, 200)], default);
        var first = await fixture.Queue.EnqueueAsync(new JobRequest("test.run") { Tenant = "small" }, default);
        Assert.Contains(first.Id, await fixture.ClaimAsync(6));
        Assert.True(await fixture.Database.ScalarAsync<bool>(
            "select fail_job($1, (select claim_id from bus_deferred where message_id = $1), 'again', delay => interval '0')", first.Id));

        Assert.Contains(first.Id, await fixture.ClaimAsync(4));
    }
}
