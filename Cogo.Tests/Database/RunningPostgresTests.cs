using Cogo.Core.Database.Embedded;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Database;

public class RunningPostgresTests
{
    [Fact]
    public async Task The_database_of_a_running_cogo_is_found_and_that_of_an_ended_one_is_not()
    {
        using var folder = new TemporaryFolder();
        var options = EmbeddedPostgresOptions.FromEnvironment() with { DataDirectory = folder.Path, Port = null };
        Assert.Null(await RunningPostgres.FindAsync(options, default));

        await using (var server = await EmbeddedPostgres.StartAsync(options, NullLogger.Instance, default))
        {
            var found = await RunningPostgres.FindAsync(options, default);

            Assert.NotNull(found);
            await using var database = NpgsqlDataSource.Create(found);
            await using var ask = database.CreateCommand("select current_setting('port')::int");
            Assert.Equal(server.Port, await ask.ExecuteScalarAsync());
        }

        Assert.Null(await RunningPostgres.FindAsync(options, default));
    }
}
