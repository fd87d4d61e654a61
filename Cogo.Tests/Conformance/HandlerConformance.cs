using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Conformance;

/// <summary>What follows from a handler that fails, throws, hangs or does not listen.</summary>
public abstract class HandlerConformance
{
    private static readonly WorkerSettings One = new();

    private readonly Func<Task<IQueueDriver>> _start;

    private protected HandlerConformance(Func<Task<IQueueDriver>> start) => _start = start;

    [Fact]
    public async Task Retries_count_each_under_a_new_fence_and_end_as_a_dead_letter()
    {
        await using var queue = await _start();
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync(
            (attempt, _) =>
            {
                seen.Enqueue(attempt);
                return Task.FromResult<Outcome>(new Outcome.Retry("not yet", TimeSpan.FromMilliseconds(10)));
            },
            One);
        var id = (await queue.PutAsync([new Put { MaxAttempts = 3 }]))[0];

        var standing = await Eventually.BecomesAsync(() => queue.StandingAsync(id), s => s.Place == Place.Dead, "the dead letter");
        Assert.Equal("retries_exhausted", standing.Code);
        Assert.Contains("not yet", standing.Reason, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], seen.Select(attempt => attempt.Number));
        Assert.Equal(3, seen.Select(attempt => attempt.Fence).Distinct().Count());
    }

    [Fact]
    public async Task A_retry_waits_for_its_delay()
    {
        await using var queue = await _start();
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync(
            (attempt, _) =>
            {
                seen.Enqueue(attempt);
                return Task.FromResult<Outcome>(attempt is { Payload: "\"slow\"", Number: 1 } ? new Outcome.Retry("later", TimeSpan.FromHours(1)) : Outcome.Completed());
            },
            One);
        var ids = await queue.PutAsync([new Put("\"slow\""), new Put("\"other\"")]);

        await DeliveryConformance.FinishedAsync(queue, ids[1]);
        Assert.Equal(Place.Unfinished, (await queue.StandingAsync(ids[0])).Place);
        await queue.HastenAsync();

        await DeliveryConformance.FinishedAsync(queue, ids[0]);
        Assert.Equal([ids[0], ids[1], ids[0]], seen.Select(attempt => attempt.Id));
    }

    [Fact]
    public async Task A_failure_is_dead_lettered_at_once_with_its_code()
    {
        await using var queue = await _start();
        await queue.WorkAsync((_, _) => Task.FromResult<Outcome>(new Outcome.Fail("no_such_thing", "There is none.", Verdict.Invalid)), One);
        var id = (await queue.PutAsync([new Put()]))[0];

        var standing = await Eventually.BecomesAsync(() => queue.StandingAsync(id), s => s.Place == Place.Dead, "the dead letter");
        Assert.Equal(new Standing(Place.Dead, "no_such_thing", "There is none."), standing);
    }

    [Fact]
    public async Task A_handler_that_throws_is_tried_again_with_its_message_as_the_reason()
    {
        await using var queue = await _start();
        await queue.WorkAsync((_, _) => throw new InvalidOperationException("boom \0 boom"), One);
        var id = (await queue.PutAsync([new Put { MaxAttempts = 1 }]))[0];

        var standing = await Eventually.BecomesAsync(() => queue.StandingAsync(id), s => s.Place == Place.Dead, "the dead letter");
        Assert.Contains("InvalidOperationException: boom", standing.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_over_its_time_is_cancelled_and_the_attempt_counts()
    {
        await using var queue = await _start();
        await queue.WorkAsync(
            async (_, token) =>
            {
                await Task.Delay(Timeout.Infinite, token);
                return Outcome.Completed();
            },
            One with { HandlerTimeout = TimeSpan.FromMilliseconds(100) });
        var id = (await queue.PutAsync([new Put { MaxAttempts = 1 }]))[0];

        var standing = await Eventually.BecomesAsync(() => queue.StandingAsync(id), s => s.Place == Place.Dead, "the dead letter");
        Assert.Contains("did not end within", standing.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_ignores_its_cancellation_holds_neither_its_item_nor_the_queue()
    {
        await using var queue = await _start();
        var hang = new TaskCompletionSource();
        var hanging = 0;
        await queue.WorkAsync(
            async (attempt, _) =>
            {
                if (attempt.Payload == "\"hang\"")
                {
                    Interlocked.Increment(ref hanging);
                    await hang.Task;
                }

                return Outcome.Completed();
            },
            One with { HandlerTimeout = TimeSpan.FromMilliseconds(100) });
        var ids = await queue.PutAsync([new Put("\"hang\"") { MaxAttempts = 1 }, new Put()]);

        await Eventually.BecomesAsync(() => queue.StandingAsync(ids[0]), s => s.Place == Place.Dead, "giving up the handler that hangs");
        await DeliveryConformance.FinishedAsync(queue, ids[1]);
        hang.SetResult();

        Assert.Equal(1, hanging);
        Assert.Equal(Place.Dead, (await queue.StandingAsync(ids[0])).Place);
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_a_handler_that_ignores_its_cancellation()
    {
        await using var queue = await _start();
        var hang = new TaskCompletionSource();
        var hanging = new TaskCompletionSource();
        var worker = await queue.WorkAsync(
            async (_, _) =>
            {
                hanging.SetResult();
                await hang.Task;
                return Outcome.Completed();
            },
            One);
        var id = (await queue.PutAsync([new Put()]))[0];
        await hanging.Task.WaitAsync(TimeSpan.FromSeconds(20));

        await worker.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => DeliveryConformance.Done(seen, attempt), One);
        await DeliveryConformance.FinishedAsync(queue, id);
        hang.SetResult();

        Assert.Equal(1, seen.Single().Number);
    }
}
