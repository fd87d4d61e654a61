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

    [Fact]
    public async Task A_function_that_answers_otherwise_since_an_upgrade_fails_one_call_and_no_more()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await using var connections = new StandingConnections(database.DataSource);
        await database.ExecuteAsync("create function answer() returns table (a int) language sql as 'select 1'");
        Assert.Equal(1, await FieldsAsync(connections));
        await database.ExecuteAsync("drop function answer(); create function answer() returns table (a int, b int) language sql as 'select 1, 2'");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => FieldsAsync(connections));
        Assert.Equal(PostgresErrorCodes.FeatureNotSupported, refused.SqlState);
        Assert.Equal(2, await FieldsAsync(connections));
        await using var rented = await connections.RentAsync(CancellationToken.None);
        Assert.Equal(1, await PreparedAsync(rented, "select * from answer()"));
    }

    private static async Task<int> FieldsAsync(StandingConnections connections)
    {
        await using var rented = await connections.RentAsync(CancellationToken.None);
        await using var command = rented.Command("select * from answer()");
        await rented.PrepareAsync(command, CancellationToken.None);
        await using var reader = await command.ExecuteReaderAsync();
        return reader.FieldCount;
    }

    private static async Task AskAsync(StandingConnections connections, int number)
    {
        await using var rented = await connections.RentAsync(CancellationToken.None);
        await using var command = rented.Command(Sum);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = number });
        await rented.PrepareAsync(command, CancellationToken.None);
        Assert.Equal(number + 1, await command.ExecuteScalarAsync());
    }

    private static async Task<long> PreparedAsync(StandingConnections.Rented rented, string statement = Sum)
    {
        await using var count = rented.Command("select count(*) from pg_prepared_statements where statement = '" + statement + "'");
        return (long)(await count.ExecuteScalarAsync())!;
    }
}
