using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Database;

public class PostgresServersTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task A_test_gets_a_migrated_database_of_its_own_on_the_version_it_asks_for(int major)
    {
        await using var one = await PostgresServers.CreateDatabaseAsync(major);
        await using var two = await PostgresServers.CreateDatabaseAsync(major);

        Assert.Equal(major * 10000, int.Parse((await one.ScalarAsync<string>("show server_version_num"))!) / 10000 * 10000);
        Assert.NotEqual(one.Name, two.Name);
        Assert.Equal("cogo_migrations", await one.ScalarAsync<string>("select relname::text from pg_class where oid = 'public.cogo_migrations'::regclass"));
        Assert.Equal("on", await one.ScalarAsync<string>("show fsync"));
        Assert.Equal("on", await one.ScalarAsync<string>("show synchronous_commit"));
    }

    [Fact]
    public async Task A_database_is_dropped_with_its_test_though_a_connection_is_open()
    {
        var database = await PostgresServers.CreateDatabaseAsync();
        await using var connection = await database.DataSource.OpenConnectionAsync();

        await database.DisposeAsync();

        await using var other = await PostgresServers.CreateEmptyDatabaseAsync();
        Assert.Equal(0, await other.ScalarAsync<long>("select count(*) from pg_database where datname = $1", database.Name));
    }
}
