using Cogo.Core.Database;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Database;

/// <summary>Every claim opens all partitions of the messages: a database begins with few, and an older one loses those it need not have.</summary>
public sealed class FewPartitionsTests
{
    private static readonly string Script = MigrationScript.Embedded.Single(static script => script.FileName == "0021_few_partitions.sql").Sql;

    [Fact]
    public async Task A_new_database_has_today_two_days_ahead_and_a_default()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        Assert.Equal(4, await PartitionsAsync(database, "agent_messages"));
        Assert.Equal(4, await PartitionsAsync(database, "bus_events"));
    }

    [Fact]
    public async Task Empty_days_far_ahead_go_and_those_with_rows_stay()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync("select cogo_ensure_partitions(7)");
        await database.ExecuteAsync("insert into agent_messages (service, role, payload, created_at) values ('test', 'work', '{}', now() + interval '5 days')");
        await database.ExecuteAsync(Script);
        Assert.Equal(5, await PartitionsAsync(database, "agent_messages"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from agent_messages"));
        Assert.Equal(4, await PartitionsAsync(database, "bus_events"));
    }

    [Fact]
    public async Task A_table_in_use_keeps_them_and_the_upgrade_goes_on()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync("select cogo_ensure_partitions(7)");
        await using (var reader = await database.DataSource.OpenConnectionAsync())
        await using (await reader.BeginTransactionAsync())
        {
            await using var read = new NpgsqlCommand("select count(*) from agent_messages", reader);
            await read.ExecuteScalarAsync();
            await database.ExecuteAsync("set lock_timeout = '7s'; " + Script);
        }

        Assert.Equal(9, await PartitionsAsync(database, "agent_messages"));
        Assert.Equal(4, await PartitionsAsync(database, "bus_events"));
    }

    private static async Task<long> PartitionsAsync(TestDatabase database, string table) =>
        await database.ScalarAsync<long>($"select count(*) from pg_inherits where inhparent = '{table}'::regclass");
}
