using System.Collections.Concurrent;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Conformance;

/// <summary>What an end brings with it: rows of the handler's own and further messages, of queues whose outcomes have them.</summary>
public abstract class EffectsConformance
{
    private static readonly WorkerSettings One = new();

    private readonly Func<Task<IEffectsDriver>> _start;

    private protected EffectsConformance(Func<Task<IEffectsDriver>> start) => _start = start;

    [Fact]
    public async Task A_zombie_writes_and_publishes_nothing_after_its_lease_was_taken()
    {
        await using var queue = await _start();
        await CreateLedgerAsync(queue);

        var (id, heir) = await ZombieAndHeir.RunAsync(
            queue,
            zombie => new Outcome.Done { Publish = [queue.FollowUp], Write = Write(zombie) },
            heir => new Outcome.Done { Write = Write(heir) });

        Assert.Equal([(id, heir.Fence)], await LedgerAsync(queue));
        Assert.Equal(0, await queue.FollowUpsAsync());
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

    private static Task CreateLedgerAsync(IEffectsDriver queue) => queue.Database.ExecuteAsync("create table ledger (item bigint, fence bigint)");

    private static Func<NpgsqlTransaction, CancellationToken, Task> Write(Attempt attempt) => async (transaction, cancellationToken) =>
    {
        await using var insert = new NpgsqlCommand("insert into ledger values ($1, $2)", transaction.Connection, transaction);
        insert.Parameters.Add(new NpgsqlParameter { Value = attempt.Id });
        insert.Parameters.Add(new NpgsqlParameter { Value = attempt.Fence });
        await insert.ExecuteNonQueryAsync(cancellationToken);
    };

    private static async Task<List<(long, long)>> LedgerAsync(IEffectsDriver queue)
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
