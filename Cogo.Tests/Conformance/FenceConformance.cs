using System.Collections.Concurrent;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Conformance;

/// <summary>Who may end an attempt, and what becomes of those that nobody ends.</summary>
public abstract class FenceConformance
{
    private static readonly WorkerSettings One = new();

    private readonly Func<Task<IQueueDriver>> _start;

    private protected FenceConformance(Func<Task<IQueueDriver>> start) => _start = start;

    public static TheoryData<string> Endings => ["finish", "finish with an event", "retry", "fail"];

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task A_zombie_ends_nothing_after_its_lease_was_taken(string ending)
    {
        await using var queue = await _start();
        var (id, heir) = await ZombieAndHeir.RunAsync(
            queue,
            zombie => ending switch
            {
                "retry" => new Outcome.Retry("zombie"),
                "fail" => new Outcome.Fail("zombie", "zombie", Verdict.Failed),
                "finish with an event" => Outcome.Completed([Ended(zombie)]),
                _ => Outcome.Completed(),
            },
            heir => Outcome.Completed([Ended(heir)]));

        Assert.Equal(1, await queue.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'work_done'"));
        Assert.Equal(heir.Fence, await queue.Database.ScalarAsync<long>("select (data ->> 'fence')::bigint from bus_events where type = 'work_done' and message_id = $1", id));
    }

    [Fact]
    public async Task A_lease_is_renewed_while_a_handler_runs_longer_than_it()
    {
        await using var queue = await _start();
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync(
            async (attempt, token) =>
            {
                seen.Enqueue(attempt);
                await Task.Delay(2500, token);
                return Outcome.Completed();
            },
            One with { Lease = TimeSpan.FromMilliseconds(900), Heartbeat = TimeSpan.FromMilliseconds(200) });
        var id = (await queue.PutAsync([new Put()]))[0];

        await DeliveryConformance.FinishedAsync(queue, id);
        Assert.Single(seen);
    }

    [Fact]
    public async Task A_worker_that_lost_its_lease_cancels_its_handlers_and_goes_on()
    {
        await using var queue = await _start();
        var seen = new ConcurrentQueue<Attempt>();
        var cancelled = 0;
        await queue.WorkAsync(
            async (attempt, token) =>
            {
                seen.Enqueue(attempt);
                if (attempt.Number == 1)
                {
                    using var noted = token.Register(() => Interlocked.Increment(ref cancelled));
                    await Task.Delay(Timeout.Infinite, token);
                }

                return Outcome.Completed();
            },
            One with { Lease = TimeSpan.FromSeconds(2), Heartbeat = TimeSpan.FromMilliseconds(100) });
        var id = (await queue.PutAsync([new Put()]))[0];
        await Eventually.BecomesTrueAsync(() => !seen.IsEmpty, "the first attempt");

        await queue.TakeLeasesAsync();
        await queue.HastenAsync();

        await DeliveryConformance.FinishedAsync(queue, id);
        Assert.Equal(1, cancelled);
        Assert.Equal([1, 2], seen.Select(attempt => attempt.Number));
    }

    [Fact]
    public async Task A_graceful_stop_hands_back_what_is_held_and_does_not_count_the_attempt()
    {
        await using var queue = await _start();
        var stuck = new ConcurrentQueue<Attempt>();
        var worker = await queue.WorkAsync(
            async (attempt, token) =>
            {
                stuck.Enqueue(attempt);
                await Task.Delay(Timeout.Infinite, token);
                return Outcome.Completed();
            },
            One with { Concurrency = 2, DrainTimeout = TimeSpan.Zero });
        await queue.PutAsync([new Put("1"), new Put("2"), new Put("3")]);
        await Eventually.BecomesTrueAsync(() => stuck.Count == 2, "two attempts");

        await worker.DisposeAsync();
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => DeliveryConformance.Done(seen, attempt), One);

        await Eventually.BecomesTrueAsync(() => seen.Count == 3, "all three again");
        Assert.All(seen, attempt => Assert.Equal(1, attempt.Number));
    }

    [Fact]
    public async Task An_item_that_kills_its_worker_each_time_is_dead_lettered_in_the_end()
    {
        await using var queue = await _start();
        var id = (await queue.PutAsync([new Put { MaxAttempts = 3 }]))[0];
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync(
            async (attempt, token) =>
            {
                seen.Enqueue(attempt);
                await Task.Delay(Timeout.Infinite, token);
                return Outcome.Completed();
            },
            One with { Lease = TimeSpan.FromSeconds(2), Heartbeat = TimeSpan.FromMilliseconds(50) });
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            var number = attempt;
            // On a busy machine a lease may run out by itself, and the next attempt has begun already.
            await Eventually.BecomesTrueAsync(() => seen.Count >= number, $"attempt {number}");
            await queue.TakeLeasesAsync();
            await queue.HastenAsync();
        }

        var standing = await Eventually.BecomesAsync(() => queue.StandingAsync(id), s => s.Place == Place.Dead, "the dead letter");
        Assert.Equal("retries_exhausted", standing.Code);
        Assert.Equal([1, 2, 3], seen.Select(attempt => attempt.Number));
    }

    private protected static AuditEvent Ended(Attempt attempt) => new("work_done", new { fence = attempt.Fence });
}
