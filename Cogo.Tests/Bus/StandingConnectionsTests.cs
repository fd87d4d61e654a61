using System.Runtime.Versioning;
using Cogo.Core.Bus;
using Cogo.Tests.Chaos;
using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Bus;

public sealed class StandingConnectionsTests
{
    private const string Sum = "select $1 + 1";

    [Fact]
    public async Task Statements_are_prepared_once_on_a_connection_to_the_server()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await using var connections = new StandingConnections(database.DataSource);
        await AskAsync(connections, 1);
        await AskAsync(connections, 2);
        await using var rented = await connections.RentAsync(CancellationToken.None);
        Assert.Equal(1, await PreparedAsync(rented));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Behind_a_pooler_that_hands_servers_round_nothing_is_prepared()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "PgBouncer does not run on Windows.");
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await using var bouncer = await PgBouncer.StartAsync(database.ConnectionString);
        await using var source = NpgsqlDataSource.Create(bouncer.ConnectionString);
        await using var connections = new StandingConnections(source);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(number => AskAsync(connections, number)));
        await using var rented = await connections.RentAsync(CancellationToken.None);
        Assert.Equal(0, await PreparedAsync(rented));
    }

    private static async Task AskAsync(StandingConnections connections, int number)
    {
        await using var rented = await connections.RentAsync(CancellationToken.None);
        await using var command = rented.Command(Sum);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
        await rented.PrepareAsync(command, CancellationToken.None);
        Assert.Equal(number + 1, await command.ExecuteScalarAsync());
    }

    private static async Task<long> PreparedAsync(StandingConnections.Rented rented)
    {
        await using var count = rented.Command("select count(*) from pg_prepared_statements where statement = '" + Sum + "'");
        return (long)(await count.ExecuteScalarAsync())!;
    }
}
