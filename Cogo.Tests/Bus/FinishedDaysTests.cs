using System.Globalization;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Bus;

/// <summary>Days that have ended leave agent_messages; what is unfinished in them does not get lost, nor delivered twice.</summary>
public sealed class FinishedDaysTests
{
    private static readonly string[] Days = ["2026-01-02", "2026-01-03", "2026-01-04"];

    [Theory]
    [InlineData(15, 1)]
    [InlineData(18, 2)]
    [InlineData(18, 3)]
    public async Task Whenever_days_are_set_aside_every_message_is_finished_once(int postgres, int seed)
    {
        await using var database = await WithOldDaysAsync(postgres);
        var random = new Random(seed);
        var open = new OpenTransactions(database.DataSource);
        var held = new List<(long Fence, long Id)>();
        var finished = new List<long>();
        for (var step = 0; step < 300; step++)
        {
            switch (random.Next(8))
            {
                case 0 when open.Count < 4:
                    await open.BeginAsync();
                    break;
                case 1 or 2 when open.Count > 0:
                    await PublishAsync(open, random);
                    break;
                case 3 when open.Count > 0:
                    await open.CommitAsync(random.Next(open.Count));
                    break;
                case 4 when held.Count > 0:
                    var (fence, id) = Take(held, random);
                    await FinishAsync(database, fence, id, finished);
                    break;
                case 5 when held.Count > 0:
                    var (lost, again) = Take(held, random);
                    Assert.Equal("retried", await database.ScalarAsync<string>("select cogo_retry(1, $1, $2, interval '0', 'again', true, 'w')", lost, again));
                    break;
                case 6:
                    await database.ScalarAsync<string>("select cogo_set_day_aside()");
                    break;
                default:
                    await ClaimAsync(database, random.Next(3), random.Next(1, 6), held);
                    break;
            }
        }

        await open.CommitAllAsync();

        Assert.True(open.Committed.Count > 50, $"Only {open.Committed.Count} messages were published.");
        var before = -1;
        while (before != finished.Count || held.Count > 0)
        {
            before = finished.Count;
            foreach (var (fence, id) in held)
            {
                await FinishAsync(database, fence, id, finished);
            }

            held.Clear();
            for (var lane = 0; lane < 3; lane++)
            {
                await ClaimAsync(database, lane, 1000, held);
            }

            await database.ScalarAsync<string>("select cogo_set_day_aside()");
        }

        Assert.Equal(open.Committed.Order(), finished.Order());
        await SetAsideAsync(database);
        Assert.Equal(0, await OldDaysInAsync(database, "agent_messages"));
        Assert.Equal(3, await OldDaysInAsync(database, "agent_messages_past"));
        Assert.Equal(open.Committed.Count, await database.ScalarAsync<long>("select count(*) from agent_messages_all"));
        Assert.True(await database.ScalarAsync<bool>("select count(*) = count(distinct id) from agent_messages_all"));
    }

    [Fact]
    public async Task What_waits_in_a_day_or_is_held_is_taken_over_and_the_rest_of_the_day_goes()
    {
        await using var database = await WithOldDaysAsync();
        await database.ExecuteAsync("insert into agent_messages (service, role, payload, created_at) select 'lane', '0', '{}', '2026-01-02 12:00Z' from generate_series(1, 5)");
        var held = new List<(long Fence, long Id)>();
        await ClaimAsync(database, 0, 3, held);
        await FinishAsync(database, held[0].Fence, held[0].Id, []);

        await SetAsideAsync(database);

        Assert.Equal(4, await database.ScalarAsync<long>("select count(*) from agent_messages"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from agent_messages_past"));
        // A failed attempt finds its message, and the rest is delivered in its order.
        Assert.Equal("retried", await database.ScalarAsync<string>("select cogo_retry(1, $1, $2, interval '1 day', 'later', true, 'w')", held[1].Fence, held[1].Id));
        var later = new List<(long Fence, long Id)>();
        await ClaimAsync(database, 0, 10, later);
        Assert.Equal([4L, 5L], later.Select(one => one.Id));
    }

    [Fact]
    public async Task Jobs_and_traces_of_a_day_set_aside_are_shown_and_purged()
    {
        await using var database = await WithOldDaysAsync();
        await database.ExecuteAsync("insert into agent_messages (service, role, payload, created_at) values ('jobs', 'default', '{\"type\": \"old.run\"}', '2026-01-02 12:00Z')");
        var trace = await database.ScalarAsync<string>("select trace_id from agent_messages");
        await database.ExecuteAsync("select complete_job(id, fence) from claim_one_job('w', types => '{*}')");

        await SetAsideAsync(database);

        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from agent_messages"));
        Assert.Equal("succeeded", await database.ScalarAsync<string>("select status from jobs"));
        Assert.Equal("finished", await database.ScalarAsync<string>("select cancel_job(id) from jobs"));
        Assert.Equal(new DateTime(2026, 1, 2, 12, 0, 0, DateTimeKind.Utc), await database.ScalarAsync<DateTime>("select started_at from cogo_trace_summary($1)", trace!));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from cogo_trace_timeline($1, null, 100) where kind = 'message'", trace!));
        await database.ExecuteAsync("select purge_jobs(clock_timestamp(), dry_run => false)");
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from agent_messages_all"));
    }

    [Fact]
    public async Task A_day_with_a_backlog_stays()
    {
        await using var database = await WithOldDaysAsync();
        await database.ExecuteAsync("insert into agent_messages (service, role, payload, created_at) select 'lane', '0', '{}', '2026-01-03 12:00Z' from generate_series(1, 10001)");

        await SetAsideAsync(database);

        Assert.Equal(1, await OldDaysInAsync(database, "agent_messages"));
        Assert.Equal(2, await OldDaysInAsync(database, "agent_messages_past"));
    }

    [Fact]
    public async Task A_transaction_that_holds_the_table_is_not_waited_for()
    {
        await using var database = await WithOldDaysAsync();
        await using var connection = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var read = new NpgsqlCommand("select count(*) from agent_messages", connection, transaction))
        {
            await read.ExecuteScalarAsync();
        }

        await SetAsideAsync(database);
        Assert.Equal(3, await OldDaysInAsync(database, "agent_messages"));

        await transaction.CommitAsync();
        await SetAsideAsync(database);
        Assert.Equal(0, await OldDaysInAsync(database, "agent_messages"));
    }

    [Fact]
    public async Task Today_stays_and_days_set_aside_are_dropped_when_they_are_old_enough()
    {
        await using var database = await WithOldDaysAsync();
        await database.ExecuteAsync("insert into agent_messages (service, role, payload, created_at) select 'lane', '0', '{}', '2026-01-02 12:00Z' from generate_series(1, 2)");
        await SetAsideAsync(database);
        var today = await database.ScalarAsync<string>("select 'agent_messages_' || to_char(now() at time zone 'utc', 'YYYYMMDD')");
        Assert.True(await database.ScalarAsync<bool>("select inhparent = 'agent_messages'::regclass from pg_inherits where inhrelid = $1::text::regclass", today!));

        var held = new List<(long Fence, long Id)>();
        await ClaimAsync(database, 0, 1, held);
        await FinishAsync(database, held[0].Fence, held[0].Id, []);
        Assert.Equal(3, await database.ScalarAsync<long>("select count(*) from cogo_drop_old_partitions(interval '7 days') name where name like 'agent%'"));

        // Of what was taken over, the finished one is gone, too; the other still waits.
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from agent_messages_all"));
        await ClaimAsync(database, 0, 10, held);
        Assert.Equal(2, held.Count);
    }

    private static async Task<TestDatabase> WithOldDaysAsync(int postgres = PostgresServers.Newest)
    {
        var database = await PostgresServers.CreateDatabaseAsync(postgres);
        foreach (var day in Days)
        {
            await database.ExecuteAsync(
                $"create table agent_messages_{day.Replace("-", "", StringComparison.Ordinal)} partition of agent_messages for values from ('{day} 00:00Z') to ('{day} 24:00Z')");
        }

        await database.ExecuteAsync("insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'h', 1, 1, now() + interval '1 hour')");
        return database;
    }

    private static async Task SetAsideAsync(TestDatabase database)
    {
        while (await database.ScalarAsync<string>("select cogo_set_day_aside()") is not null)
        {
        }
    }

    private static async Task<long> OldDaysInAsync(TestDatabase database, string table) => await database.ScalarAsync<long>(
        $"select count(*) from pg_inherits where inhparent = '{table}'::regclass and inhrelid::regclass::text like 'agent_messages_202601%'");

    private static Task PublishAsync(OpenTransactions open, Random random) => open.InsertAsync(
        random.Next(open.Count),
        "insert into agent_messages (service, role, payload, priority, created_at) select 'lane', $1, '{}', $2, $3 from generate_series(1, $4) returning id",
        random.Next(3).ToString(CultureInfo.InvariantCulture),
        (short)(random.Next(4) == 0 ? 1 : 0),
        DateTime.Parse(Days[random.Next(3)] + "T12:00:00Z", CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal),
        random.Next(1, 9));

    private static async Task ClaimAsync(TestDatabase database, int lane, int limit, List<(long Fence, long Id)> held)
    {
        await using var claim = database.DataSource.CreateCommand($"select fence, message_id from cogo_claim(cogo_lane('lane', '{lane}', '0'), 1, {limit})");
        await using var reader = await claim.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            held.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }
    }

    private static async Task FinishAsync(TestDatabase database, long fence, long id, List<long> finished)
    {
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from cogo_acknowledge(1, $1, array[$2])", fence, id));
        finished.Add(id);
    }

    private static (long Fence, long Id) Take(List<(long Fence, long Id)> held, Random random)
    {
        var which = random.Next(held.Count);
        var taken = held[which];
        held.RemoveAt(which);
        return taken;
    }
}
