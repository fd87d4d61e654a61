using System.Collections.Concurrent;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Conformance;

/// <summary>Who may end an attempt, and what an end brings with it.</summary>
public abstract class FenceConformance
{
    private static readonly WorkerSettings One = new();

    private readonly Func<Task<IQueueDriver>> _start;

    private protected FenceConformance(Func<Task<IQueueDriver>> start) => _start = start;

    public static TheoryData<string> Endings => ["finish", "finish with effects", "retry", "fail"];

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task A_zombie_ends_nothing_after_its_lease_was_taken(string ending)
    {
        await using var queue = await _start();
        await CreateLedgerAsync(queue);
        var release = new TaskCompletionSource();
        var zombies = new ConcurrentQueue<Attempt>();
        var zombie = await queue.WorkAsync(
            async (attempt, _) =>
            {
                zombies.Enqueue(attempt);
                await release.Task; // deaf to its token, as a handler may be
                return ending switch
                {
                    "retry" => new Outcome.Retry("zombie"),
                    "fail" => new Outcome.Fail("zombie", "zombie", Verdict.Failed),
                    "finish with effects" => new Outcome.Done { Publish = [queue.FollowUp], Write = Write(attempt), Events = [new AuditEvent("zombie_done")] },
                    _ => Outcome.Completed(),
                };
            },
            One with { CancelGrace = TimeSpan.FromMinutes(1), DrainTimeout = TimeSpan.FromMinutes(1) });
        var id = (await queue.PutAsync([new Put()]))[0];
        await Eventually.BecomesTrueAsync(() => !zombies.IsEmpty, "the zombie's attempt");

        await queue.TakeLeasesAsync();
        await queue.HastenAsync();
        var heirs = new ConcurrentQueue<Attempt>();
        var inherited = new TaskCompletionSource();
        await queue.WorkAsync(
            async (attempt, token) =>
            {
                heirs.Enqueue(attempt);
                await inherited.Task.WaitAsync(token);
                return new Outcome.Done { Write = Write(attempt) };
            },
            One);
        await Eventually.BecomesTrueAsync(() => !heirs.IsEmpty, "the heir's attempt");
        release.SetResult();
        await zombie.DisposeAsync();
        Assert.Equal(Place.Unfinished, (await queue.StandingAsync(id)).Place);
        inherited.SetResult();

        await DeliveryConformance.FinishedAsync(queue, id);
        var heir = Assert.Single(heirs);
        Assert.Equal(2, heir.Number);
        Assert.True(heir.Fence > zombies.First().Fence);
        Assert.Equal([(id, heir.Fence)], await LedgerAsync(queue));
        Assert.Equal(0, await queue.FollowUpsAsync());
        Assert.Equal(0, await queue.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'zombie_done'"));
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

    [Fact]
    public async Task What_an_outcome_writes_publishes_and_audits_happens_with_its_end()
    {
        await using var queue = await _start();
        await CreateLedgerAsync(queue);
        var fences = new ConcurrentQueue<Attempt>();
        await queue.WorkAsync(
            (attempt, _) =>
            {
                fences.Enqueue(attempt);
                return Task.FromResult<Outcome>(Outcome.Completed([new AuditEvent("work_done", new { note = "bad \0 text" })], [queue.FollowUp]) with { Write = Write(attempt) });
            },
            One);
        var id = (await queue.PutAsync([new Put()]))[0];

        await DeliveryConformance.FinishedAsync(queue, id);
        Assert.Equal([(id, fences.Single().Fence)], await LedgerAsync(queue));
        Assert.Equal(1, await queue.FollowUpsAsync());
        Assert.Equal(1, await queue.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'work_done' and message_id = $1", id));
    }

    [Fact]
    public async Task An_outcome_that_cannot_be_written_is_a_failed_attempt_and_leaves_nothing_behind()
    {
        await using var queue = await _start();
        await CreateLedgerAsync(queue);
        await queue.WorkAsync(
            (attempt, _) => Task.FromResult<Outcome>(new Outcome.Done
            {
                Write = Write(attempt),
                Publish = [queue.FollowUp],
                Events = [new AuditEvent("Not A Legal Type")],
            }),
            One);
        var id = (await queue.PutAsync([new Put { MaxAttempts = 1 }]))[0];

        var standing = await Eventually.BecomesAsync(() => queue.StandingAsync(id), s => s.Place == Place.Dead, "the dead letter");
        Assert.Equal("retries_exhausted", standing.Code);
        Assert.Contains("was refused", standing.Reason, StringComparison.Ordinal);
        Assert.Empty(await LedgerAsync(queue));
        Assert.Equal(0, await queue.FollowUpsAsync());
    }

    private static Task CreateLedgerAsync(IQueueDriver queue) => queue.Database.ExecuteAsync("create table ledger (item bigint, fence bigint)");

    private static Func<NpgsqlTransaction, CancellationToken, Task> Write(Attempt attempt) => async (transaction, cancellationToken) =>
    {
        await using var insert = new NpgsqlCommand("insert into ledger values ($1, $2)", transaction.Connection, transaction);
        insert.Parameters.Add(new NpgsqlParameter { Value = attempt.Id });
        insert.Parameters.Add(new NpgsqlParameter { Value = attempt.Fence });
        await insert.ExecuteNonQueryAsync(cancellationToken);
    };

    private static async Task<List<(long, long)>> LedgerAsync(IQueueDriver queue)
    {
        var rows = new List<(long, long)>();
        await using var ask = queue.Database.DataSource.CreateCommand("select item, fence from ledger");
        await using var reader = await ask.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            rows.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        return rows;
    }
}
