using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Bus;

/// <summary>What an autoscaler asks: how much stands before the workers of a route.</summary>
public class QueueDepthTests
{
    private const string Depth = "select public.cogo_queue_depth('test', 'work')";

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task It_counts_what_waits_and_what_is_worked_on_and_nothing_that_is_done(int postgres)
    {
        await using var fixture = await BusFixture.CreateAsync(postgres);
        var database = fixture.Database;
        Assert.Equal(0, await database.ScalarAsync<long>(Depth));
        await database.ExecuteAsync("insert into agent_messages (service, role, payload) select 'test', 'work', '{}' from generate_series(1, 7)");
        await database.ExecuteAsync("insert into agent_messages (service, role, payload, priority) select 'test', 'work', '{}', 5 from generate_series(1, 3)");
        await database.ExecuteAsync("insert into agent_messages (service, role, payload, not_before) values ('test', 'work', '{}', clock_timestamp() + interval '1 hour')");
        await database.ExecuteAsync("insert into agent_messages (service, role, payload) values ('test', 'other', '{}')");
        Assert.Equal(10, await database.ScalarAsync<long>(Depth));

        var go = new TaskCompletionSource();
        var handler = new Recorder(async (_, cancellationToken) =>
        {
            await go.Task.WaitAsync(cancellationToken);
            return new Outcome.Done();
        });
        await using var subscription = await fixture.Bus().SubscribeAsync(BusFixture.Route, handler, new SubscriptionOptions { Concurrency = 4 }, CancellationToken.None);
        await Eventually.BecomesTrueAsync(() => handler.Seen.Count == 4, "four deliveries");
        Assert.Equal(10, await database.ScalarAsync<long>(Depth));

        go.SetResult();
        await Eventually.BecomesAsync(() => database.ScalarAsync<long>(Depth), depth => depth == 0, "an empty route");
        Assert.Equal(10, handler.Seen.Count);
    }

    [Fact]
    public async Task It_counts_a_transaction_that_commits_late_and_a_retry_that_is_due()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var database = fixture.Database;
        await using var connection = await database.DataSource.OpenConnectionAsync();
        await using var late = await connection.BeginTransactionAsync();
        await using (var insert = new Npgsql.NpgsqlCommand("insert into agent_messages (service, role, payload) values ('test', 'work', '{}')", connection, late))
        {
            await insert.ExecuteNonQueryAsync();
        }

        await database.ExecuteAsync("insert into agent_messages (service, role, payload) values ('test', 'work', '{}')");
        var handler = new Recorder((_, _) => Task.FromResult<Outcome>(new Outcome.Retry("later", TimeSpan.FromHours(1))));
        await using (await fixture.Bus().SubscribeAsync(BusFixture.Route, handler, new SubscriptionOptions(), CancellationToken.None))
        {
            await Eventually.BecomesAsync(() => database.ScalarAsync<long>("select count(*) from bus_deferred where claim_id is null"), count => count == 1, "a retry");
        }

        Assert.Equal(0, await database.ScalarAsync<long>(Depth));
        await late.CommitAsync();
        Assert.Equal(1, await database.ScalarAsync<long>(Depth));
        await database.ExecuteAsync("update bus_deferred set ready_at = clock_timestamp()");
        Assert.Equal(2, await database.ScalarAsync<long>(Depth));
    }

    [Fact]
    public async Task A_long_backlog_is_counted_up_to_a_bound()
    {
        await using var fixture = await BusFixture.CreateAsync();
        await fixture.Database.ExecuteAsync("insert into agent_messages (service, role, payload) select 'test', 'work', '{}' from generate_series(1, 500)");

        Assert.Equal(100, await fixture.Database.ScalarAsync<long>("select public.cogo_queue_depth('test', 'work', '0', 100)"));
    }
}
