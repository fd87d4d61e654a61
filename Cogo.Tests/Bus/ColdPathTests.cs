using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Bus;

/// <summary>Special messages on their way to the cold path, when there are many and when they commit out of order.</summary>
public class ColdPathTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Special_messages_move_once_each_in_whatever_order_their_transactions_commit(int seed)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        var random = new Random(seed);
        var open = new OpenTransactions(database.DataSource);
        var moved = new List<long>();
        var cursor = ("1:1:", "0", 0L);
        for (var step = 0; step < 400; step++)
        {
            switch (random.Next(6))
            {
                case 0 when open.Count < 8:
                    await open.BeginAsync();
                    break;
                case 1 or 2 when open.Count > 0:
                    await open.InsertAsync(
                        random.Next(open.Count),
                        "insert into agent_messages (service, role, payload, priority) select 'test', 'work', '{}', 1 from generate_series(1, $1) returning id",
                        random.Next(1, 9));
                    break;
                case 3 when open.Count > 0:
                    await open.CommitAsync(random.Next(open.Count));
                    break;
                default:
                    (cursor, _) = await MoveAsync(database, cursor, random.Next(1, 6), moved);
                    break;
            }
        }

        await open.CommitAllAsync();

        var more = 1;
        while (more > 0)
        {
            (cursor, more) = await MoveAsync(database, cursor, 5, moved);
        }

        Assert.True(open.Committed.Count > 100, $"Only {open.Committed.Count} messages were published.");
        Assert.Equal(open.Committed.Order(), moved.Order());
    }

    [Fact]
    public async Task Thousands_of_special_messages_of_one_transaction_all_arrive_the_urgent_ones_before_the_rest()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync(
            """
            insert into agent_messages (service, role, payload, priority, not_before)
            select 'test', 'work', '{}', case when n % 2 = 0 then 9 else 1 end, case when n % 3 = 0 then now() + interval '1 day' end
            from generate_series(1, 12000) n
            """);
        await database.ExecuteAsync("insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'h', 1, 1, now() + interval '1 hour')");
        var claimed = new List<(long Id, int Priority)>();
        while (true)
        {
            var before = claimed.Count;
            await using var claim = database.DataSource.CreateCommand("select message_id, priority from cogo_claim(cogo_lane('test', 'work', '0'), 1, 1000)");
            await using var reader = await claim.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                claimed.Add((reader.GetInt64(0), reader.GetInt16(1)));
            }

            if (claimed.Count == before)
            {
                break;
            }
        }

        Assert.Equal(8000, claimed.Select(one => one.Id).Distinct().Count());
        Assert.Equal(8000, claimed.Count);
        Assert.All(claimed.Take(1000), one => Assert.Equal(9, one.Priority));
        Assert.Equal(4000, await database.ScalarAsync<long>("select count(*) from bus_deferred where claim_id is null"));
    }

    /// <summary>Moves at most so many, and takes them off the cold path again: one that moves a second time shows.</summary>
    private static async Task<((string Special, string Xid, long Id) Cursor, int Moved)> MoveAsync(
        TestDatabase database, (string Special, string Xid, long Id) cursor, int limit, List<long> moved)
    {
        int count;
        await using (var move = database.DataSource.CreateCommand(
            """
            select special::text, special_xid::text, special_id, moved
            from cogo_move_special(cogo_lane('test', 'work', '0'), $1, pg_current_snapshot(), $2::pg_snapshot, $3::xid8, $4)
            """))
        {
            move.Parameters.AddWithValue(limit);
            move.Parameters.AddWithValue(cursor.Special);
            move.Parameters.AddWithValue(cursor.Xid);
            move.Parameters.AddWithValue(cursor.Id);
            await using var reader = await move.ExecuteReaderAsync();
            Assert.True(await reader.ReadAsync());
            cursor = (reader.GetString(0), reader.GetString(1), reader.GetInt64(2));
            count = reader.GetInt32(3);
        }

        await using var take = database.DataSource.CreateCommand("delete from bus_deferred returning message_id");
        await using var taken = await take.ExecuteReaderAsync();
        while (await taken.ReadAsync())
        {
            moved.Add(taken.GetInt64(0));
        }

        return (cursor, count);
    }
}
