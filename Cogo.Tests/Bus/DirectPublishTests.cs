using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Bus;

/// <summary>Messages that are claimed in the transaction that publishes them.</summary>
public class DirectPublishTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    [Fact]
    public async Task What_is_published_where_a_handler_waits_is_claimed_in_the_same_transaction()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var seen = new List<string?>();
        var recorder = new Recorder((_, _) =>
        {
            seen.Add(Ambient.Value);
            return Task.FromResult<Outcome>(Outcome.Completed());
        });
        await bus.SubscribeAsync(BusFixture.Route, recorder, new SubscriptionOptions(), default);
        Ambient.Value = "the publisher's";

        // The first may come before the route waits.
        var published = 0;
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, $$"""{"n": {{++published}}}"""), default);
                return await ClaimedAtOnceAsync(fixture) > 2;
            },
            "messages claimed as they were published");

        await Eventually.BecomesTrueAsync(() => recorder.Seen.Count == published, "all of them handled");
        Assert.Equal(Enumerable.Range(1, published).Select(n => $$"""{"n": {{n}}}""").Order(StringComparer.Ordinal), recorder.Seen.Select(delivery => delivery.Payload).Order(StringComparer.Ordinal));
        Assert.All(seen, Assert.Null);
        await Eventually.BecomesTrueAsync(
            async () => await fixture.Database.ScalarAsync<long>("select coalesce(sum(cardinality(ids)), 0)::bigint from bus_acks") == published, "all of them acknowledged");
    }

    [Fact]
    public async Task A_function_that_an_upgrade_replaced_fails_no_publish()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var recorder = new Recorder();
        await bus.SubscribeAsync(BusFixture.Route, recorder, new SubscriptionOptions(), default);
        var published = 0;
        await PublishUntilClaimedAtOnceAsync(1);
        await fixture.Database.ExecuteAsync(
            """
            alter function cogo_publish_claimed(text, text, text, text, text, text, bigint, text) rename to publish_claimed_before;
            create function cogo_publish_claimed(text, text, text, text, text, text, bigint, text)
            returns table (id bigint, lane bigint, fence bigint, payload text, max_attempts smallint, created_at timestamptz, one_more int)
            language sql as 'select p.*, 1 from publish_claimed_before($1, $2, $3, $4, $5, $6, $7, $8) p';
            """);

        await PublishUntilClaimedAtOnceAsync(2);
        await Eventually.BecomesTrueAsync(() => recorder.Seen.Count == published, "all of them handled");

        Task PublishUntilClaimedAtOnceAsync(int most) => Eventually.BecomesTrueAsync(
            async () =>
            {
                await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);
                published++;
                return await ClaimedAtOnceAsync(fixture) >= most;
            },
            "messages claimed as they were published");
    }

    [Fact]
    public async Task A_handler_that_keeps_its_thread_keeps_no_publisher()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        using var free = new ManualResetEventSlim();
        var recorder = new Recorder((delivery, token) =>
        {
            Assert.True(!delivery.Payload.Contains("keep", StringComparison.Ordinal) || free.Wait(TimeSpan.FromSeconds(30), token));
            return Task.FromResult<Outcome>(Outcome.Completed());
        });
        await bus.SubscribeAsync(BusFixture.Route, recorder, new SubscriptionOptions { Concurrency = 4 }, default);
        var published = 0;
        await Eventually.BecomesTrueAsync(
            async () =>
            {
                published++;
                await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);
                return await ClaimedAtOnceAsync(fixture) > 0;
            },
            "messages claimed as they were published");
        await Eventually.BecomesTrueAsync(() => recorder.Seen.Count == published, "a quiet bus");
        var direct = await ClaimedAtOnceAsync(fixture);

        await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, """{"n": "keep"}"""), default).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(direct + 1, await ClaimedAtOnceAsync(fixture));
        Assert.Equal(published, await fixture.Database.ScalarAsync<long>("select coalesce(sum(cardinality(ids)), 0)::bigint from bus_acks"));
        free.Set();
        await Eventually.BecomesTrueAsync(() => recorder.Seen.Count == published + 1, "the last one handled");
    }

    [Fact]
    public async Task Handlers_that_publish_to_the_next_of_a_long_chain_come_through()
    {
        const int Length = 400;
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var recorder = new Recorder(async (delivery, token) =>
        {
            var n = int.Parse(delivery.Payload, System.Globalization.CultureInfo.InvariantCulture);
            if (n < Length)
            {
                await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, $"{n + 1}"), token);
            }

            return Outcome.Completed();
        });
        await bus.SubscribeAsync(BusFixture.Route, recorder, new SubscriptionOptions { Concurrency = 2 }, default);

        await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "1"), default);

        await Eventually.BecomesTrueAsync(() => recorder.Seen.Count == Length, "the end of the chain", 60);
        Assert.NotEqual(0, await ClaimedAtOnceAsync(fixture));
    }

    [Fact]
    public async Task Several_processes_that_publish_and_wait_at_once_handle_every_message_once()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var recorder = new Recorder();
        var buses = Enumerable.Range(0, 3).Select(_ => fixture.Bus(o => o with { Listen = true })).ToList();
        foreach (var bus in buses)
        {
            await bus.SubscribeAsync(BusFixture.Route, recorder, new SubscriptionOptions { Concurrency = 3 }, default);
        }

        var published = await Task.WhenAll(Enumerable.Range(0, 3).Select(publisher => Task.Run(async () =>
        {
            var random = new Random(publisher);
            var ids = new List<long>();
            for (var n = 0; n < 40; n++)
            {
                var several = Enumerable.Repeat(new OutgoingMessage(BusFixture.Route, "{}"), random.Next(8) == 0 ? 5 : 1).ToList();
                ids.AddRange((await buses[publisher].Publisher.PublishAsync(several, default)).Select(receipt => receipt.MessageId));
                var last = ids[^1];
                // So quiet comes now and then, and routes wait.
                await Eventually.BecomesTrueAsync(() => recorder.Seen.Any(delivery => delivery.MessageId == last), "the last one handled");
            }

            return ids;
        })));

        var all = published.SelectMany(ids => ids).Order().ToList();
        await Eventually.BecomesTrueAsync(() => recorder.Seen.Count >= all.Count, "all of them handled", 30);
        Assert.Equal(all, recorder.Seen.Select(delivery => delivery.MessageId).Order());
        var direct = await ClaimedAtOnceAsync(fixture);
        Assert.True(direct > 10, $"Only {direct} of {all.Count} messages were claimed as they were published.");
    }

    [Fact]
    public async Task What_is_still_to_be_claimed_is_not_overtaken()
    {
        await using var database = await NewAsync();
        await database.ExecuteAsync("insert into agent_messages (service, role, payload) values ('test', 'work', '1')");

        var (second, fence) = await PublishAsync(database, session: 1);

        Assert.Null(fence);
        Assert.Equal([1, second], await ClaimAsync(database, 10));
    }

    [Fact]
    public async Task A_claim_that_is_under_way_is_not_waited_for()
    {
        await using var database = await NewAsync();
        await using var connection = await database.DataSource.OpenConnectionAsync();
        await using var claiming = await connection.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("select pg_advisory_xact_lock(cogo_lane('test', 'work', '0'))", connection, claiming))
        {
            await take.ExecuteNonQueryAsync();
        }

        var (id, fence) = await PublishAsync(database, session: 1);

        Assert.Null(fence);
        await claiming.RollbackAsync();
        Assert.Equal([id], await ClaimAsync(database, 10));
    }

    [Fact]
    public async Task An_ended_session_claims_nothing_and_the_message_is_published_all_the_same()
    {
        await using var database = await NewAsync();
        await database.ExecuteAsync("insert into bus_sessions (worker_id, host, pid, pid_started, lease_until, ended_at) values ('w', 'h', 1, 1, now(), now())");

        var (id, fence) = await PublishAsync(database, session: 2);

        Assert.Null(fence);
        Assert.Equal([id], await ClaimAsync(database, 10));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Every_message_is_claimed_once_in_whatever_order_transactions_commit(int seed)
    {
        await using var database = await NewAsync();
        var random = new Random(seed);
        // Few, so that at times none is open: claims then take the short way.
        var mostOpen = seed % 2 == 0 ? 8 : 1;
        var open = new List<(NpgsqlConnection Connection, NpgsqlTransaction Transaction, List<long> Ids)>();
        var committed = new List<long>();
        var claimed = new List<long>();
        var direct = 0;
        for (var step = 0; step < 600; step++)
        {
            switch (random.Next(9))
            {
                case 0 when open.Count < mostOpen:
                    var connection = await database.DataSource.OpenConnectionAsync();
                    open.Add((connection, await connection.BeginTransactionAsync(), []));
                    break;
                case 1 or 2 when open.Count > 0:
                    var (on, within, ids) = open[random.Next(open.Count)];
                    await using (var insert = new NpgsqlCommand(
                        "insert into agent_messages (service, role, payload, priority, not_before) values ('test', 'work', '{}', $1, $2) returning id", on, within))
                    {
                        // One in six comes by the cold path, before the others or after them, or as its time has come.
                        insert.Parameters.AddWithValue((short)(random.Next(12) == 0 ? random.Next(-5, 6) : 0));
                        insert.Parameters.AddWithValue(NpgsqlTypes.NpgsqlDbType.TimestampTz, random.Next(12) == 0 ? DateTime.UtcNow : DBNull.Value);
                        ids.Add((long)(await insert.ExecuteScalarAsync())!);
                    }

                    break;
                case 3 when open.Count > 0:
                    var which = random.Next(open.Count);
                    if (await EndAsync(open[which], commit: random.Next(3) > 0))
                    {
                        committed.AddRange(open[which].Ids);
                    }

                    open.RemoveAt(which);
                    break;
                case 4 or 5:
                    claimed.AddRange(await ClaimAsync(database, random.Next(1, 5)));
                    break;
                default:
                    var (id, fence) = await PublishAsync(database, session: 1);
                    committed.Add(id);
                    if (fence is not null)
                    {
                        direct++;
                        claimed.Add(id);
                    }

                    break;
            }
        }

        foreach (var rest in open)
        {
            await EndAsync(rest, commit: true);
            committed.AddRange(rest.Ids);
        }

        while (await ClaimAsync(database, 50) is { Count: > 0 } more)
        {
            claimed.AddRange(more);
        }

        Assert.True(direct > 10, $"Only {direct} messages were claimed as they were published.");
        Assert.Equal(committed.Order(), claimed.Order());
    }

    private static async Task<TestDatabase> NewAsync()
    {
        var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync("insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'h', 1, 1, now() + interval '1 hour')");
        return database;
    }

    private static async Task<bool> EndAsync((NpgsqlConnection Connection, NpgsqlTransaction Transaction, List<long> Ids) open, bool commit)
    {
        await (commit ? open.Transaction.CommitAsync() : open.Transaction.RollbackAsync());
        await open.Transaction.DisposeAsync();
        await open.Connection.DisposeAsync();
        return commit;
    }

    private static async Task<(long Id, long? Fence)> PublishAsync(TestDatabase database, long session)
    {
        await using var publish = database.DataSource.CreateCommand(
            "select id, fence from cogo_publish_claimed('test', 'work', '0', '{}', cogo_new_trace_id(), null, $1, null)");
        publish.Parameters.AddWithValue(session);
        await using var reader = await publish.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        return (reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetInt64(1));
    }

    private static async Task<List<long>> ClaimAsync(TestDatabase database, int limit)
    {
        var ids = new List<long>();
        await using var claim = database.DataSource.CreateCommand("select message_id from cogo_claim(cogo_lane('test', 'work', '0'), 1, $1)");
        claim.Parameters.AddWithValue(limit);
        await using var reader = await claim.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            ids.Add(reader.GetInt64(0));
        }

        return ids;
    }

    private static Task<long> ClaimedAtOnceAsync(BusFixture fixture) => fixture.Database.ScalarAsync<long>(
        "select count(*) from agent_messages m join bus_claims c on m.id = any (c.ids) where c.xmin::text::bigint = m.xid::text::bigint % 4294967296");
}
