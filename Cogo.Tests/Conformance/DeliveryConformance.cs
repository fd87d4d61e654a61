using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Conformance;

/// <summary>What is delivered, when and in which order.</summary>
public abstract class DeliveryConformance
{
    private static readonly WorkerSettings One = new();

    private readonly Func<Task<IQueueDriver>> _start;

    private protected DeliveryConformance(Func<Task<IQueueDriver>> start) => _start = start;

    [Fact]
    public async Task What_is_put_is_handled_once_and_finished()
    {
        await using var queue = await _start();
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), new WorkerSettings { Concurrency = 16 });
        var ids = await queue.PutAsync([.. Enumerable.Range(0, 500).Select(i => new Put($"{i}"))]);

        await Eventually.BecomesTrueAsync(() => seen.Count >= 500, "handling 500 items");
        await FinishedAsync(queue, ids[499]);
        Assert.Equal(ids, seen.Select(attempt => attempt.Id).Order());
        Assert.All(seen, attempt => Assert.Equal(1, attempt.Number));
    }

    [Fact]
    public async Task Two_workers_share_a_queue_and_handle_each_item_once()
    {
        await using var queue = await _start();
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), new WorkerSettings { Concurrency = 8 });
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), new WorkerSettings { Concurrency = 8 });

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 25; i++)
            {
                await queue.PutAsync([new Put("1"), new Put("2")]);
            }
        })));

        await Eventually.BecomesTrueAsync(() => seen.Count >= 400, "400 items");
        Assert.Equal(400, seen.Select(attempt => attempt.Id).Distinct().Count());
        Assert.Equal(400, seen.Count);
    }

    [Fact]
    public async Task Ordinary_items_of_one_worker_come_in_order()
    {
        await using var queue = await _start();
        var ids = await queue.PutAsync([.. Enumerable.Range(0, 100).Select(i => new Put($"{i}"))]);
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), One);

        await Eventually.BecomesTrueAsync(() => seen.Count >= 100, "handling 100 items");
        Assert.Equal(ids, seen.Select(attempt => attempt.Id));
        Assert.Equal("7", seen.ElementAt(7).Payload);
    }

    [Fact]
    public async Task Items_of_transactions_that_commit_late_and_out_of_order_are_not_skipped()
    {
        await using var queue = await _start();
        var seen = new ConcurrentQueue<Attempt>();
        await using var slow = await queue.Database.DataSource.OpenConnectionAsync();
        await using var open = await slow.BeginTransactionAsync();
        var early = (await queue.PutAsync([new Put("\"early\"")], open))[0];
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), One);
        for (var i = 0; i < 10; i++)
        {
            await queue.PutAsync([new Put("\"later\"")]);
            var before = i;
            await Eventually.BecomesTrueAsync(() => seen.Count > before, "delivery past an open transaction");
        }

        Assert.DoesNotContain(seen, attempt => attempt.Id == early);
        await open.CommitAsync();

        await Eventually.BecomesTrueAsync(() => seen.Count == 11, "delivery of the late commit");
        Assert.Equal(early, seen.Last().Id);
    }

    [Fact]
    public async Task A_transaction_that_was_rolled_back_puts_nothing()
    {
        await using var queue = await _start();
        await using (var connection = await queue.Database.DataSource.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await queue.PutAsync([new Put("\"never\"")], transaction);
            await transaction.RollbackAsync();
        }

        await queue.PutAsync([new Put("\"last\"")]);
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), One);

        await Eventually.BecomesTrueAsync(() => !seen.IsEmpty, "the item put last");
        Assert.Equal(["\"last\""], seen.Select(attempt => attempt.Payload));
    }

    [Fact]
    public async Task Higher_priority_goes_first_and_a_delayed_item_waits()
    {
        await using var queue = await _start();
        await queue.PutAsync(
            [
                new Put("\"low\"") { Priority = -1 },
                new Put("\"ordinary\""),
                new Put("\"delayed\"") { Delay = TimeSpan.FromMilliseconds(1500) },
                new Put("\"high\"") { Priority = 10 },
            ]);
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), One);

        await Eventually.BecomesTrueAsync(() => seen.Count == 4, "handling all four");
        Assert.Equal(["\"high\"", "\"ordinary\"", "\"low\"", "\"delayed\""], seen.Select(attempt => attempt.Payload));
    }

    [Fact]
    public async Task The_same_key_is_handled_once()
    {
        await using var queue = await _start();
        var first = await queue.PutAsync([new Put("1") { Key = "order-1" }]);
        var second = await queue.PutAsync([new Put("1") { Key = "order-1" }]);
        await queue.PutAsync([new Put("2") { Key = "order-2" }]);
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), One);

        await Eventually.BecomesTrueAsync(() => seen.Any(attempt => attempt.Payload == "2"), "the other key");
        Assert.Equal(first, second);
        Assert.Equal(["1", "2"], seen.Select(attempt => attempt.Payload));
    }

    [Fact]
    public async Task An_expired_item_is_dead_lettered_and_not_handled()
    {
        await using var queue = await _start();
        var id = (await queue.PutAsync([new Put { TimeToLive = TimeSpan.FromMilliseconds(1) }]))[0];
        var put = await queue.Database.ScalarAsync<DateTime>("select clock_timestamp()");
        await Eventually.BecomesTrueAsync(
            () => queue.Database.ScalarAsync<bool>("select clock_timestamp() > $1 + interval '10 ms'", put), "the database's clock moving on");
        var seen = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync((attempt, _) => Done(seen, attempt), One);

        var standing = await Eventually.BecomesAsync(() => queue.StandingAsync(id), s => s.Place == Place.Dead, "the dead letter");
        Assert.Equal("expired", standing.Code);
        Assert.Empty(seen);
    }

    internal static Task<Outcome> Done(ConcurrentQueue<Attempt> seen, Attempt attempt)
    {
        seen.Enqueue(attempt);
        return Task.FromResult<Outcome>(Outcome.Completed());
    }

    internal static Task<Standing> FinishedAsync(IQueueDriver queue, long id) =>
        Eventually.BecomesAsync(() => queue.StandingAsync(id), standing => standing.Place == Place.Finished, $"finishing item {id}");
}
