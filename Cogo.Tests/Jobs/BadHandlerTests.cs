using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Jobs;

public class BadHandlerTests
{
    [Fact]
    public async Task A_handler_that_hangs_is_cancelled_when_its_time_is_over_and_retried()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync(
            [new Job("test.hang", async (_, cancellationToken) =>
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return new JobOutcome.Succeeded();
            })],
            options => options with { JobTimeout = TimeSpan.FromMilliseconds(50) });

        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.hang") { MaxAttempts = 1 }, default);

        await fixture.BecomesAsync(receipt.Id, "failed");
        Assert.Contains("did not end within", await fixture.Database.ScalarAsync<string>("select error from jobs where id = $1", receipt.Id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_ignores_its_cancellation_is_left_to_itself()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var end = new TaskCompletionSource();
        await fixture.WorkerAsync([new Job("test.deaf", async (_, _) =>
        {
            await end.Task;
            return new JobOutcome.Succeeded();
        })]);
        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.deaf"), default);
        await fixture.BecomesAsync(receipt.Id, "running");

        await fixture.Queue.CancelAsync(receipt.Id, "enough", default);

        await fixture.BecomesAsync(receipt.Id, "cancelled");
        end.SetResult();
        Assert.Equal("cancelled", await fixture.StatusAsync(receipt.Id));
    }

    [Fact]
    public async Task A_handler_that_finishes_in_spite_of_a_wish_to_cancel_has_finished()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync([new Job("test.done", async (_, cancellationToken) =>
        {
            var cancelled = new TaskCompletionSource();
            await using var registration = cancellationToken.Register(() => cancelled.SetResult());
            await cancelled.Task;
            return new JobOutcome.Succeeded("in time");
        })]);
        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.done"), default);
        await fixture.BecomesAsync(receipt.Id, "running");

        await fixture.Queue.CancelAsync(receipt.Id, "enough", default);

        await fixture.BecomesAsync(receipt.Id, "succeeded");
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from job_cancellations"));
    }

    [Fact]
    public async Task A_wish_to_cancel_that_came_too_late_is_forgotten()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.WorkerAsync([new Job("test.run")]);
        var receipt = await fixture.Queue.EnqueueAsync(new JobRequest("test.run"), default);
        await fixture.BecomesAsync(receipt.Id, "succeeded");

        await fixture.Database.ExecuteAsync(
            "insert into job_cancellations (job_id, lane, reason, requested_at) values ($1, cogo_lane('jobs', 'default', '0'), 'late', clock_timestamp() - interval '1 minute')", receipt.Id);

        await Eventually.BecomesAsync(() => fixture.Database.ScalarAsync<long>("select count(*) from job_cancellations"), count => count == 0, "a late wish forgotten");
        Assert.Equal("succeeded", await fixture.StatusAsync(receipt.Id));
    }

    [Fact]
    public void Two_handlers_of_one_type_are_refused_and_the_nearer_family_is_taken()
    {
        Assert.Throws<ArgumentException>(() => new JobCatalog([new Job("a.b"), new Job("a.b")]));
        Assert.Throws<ArgumentException>(() => new JobCatalog([new Job("*")]));
        var (family, near, exact) = (new Job("a.*"), new Job("a.b.*"), new Job("a.b.c"));
        var catalog = new JobCatalog([family, near, exact]);

        Assert.Same(exact, catalog.Find("a.b.c"));
        Assert.Same(near, catalog.Find("a.b.d"));
        Assert.Same(family, catalog.Find("a.c"));
        Assert.Null(catalog.Find("ab"));
        Assert.Equal(["a.*", "a.b.*", "a.b.c"], catalog.Types);
    }
}
