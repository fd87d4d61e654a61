using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Cli;

/// <summary><c>cogo migrate</c> where something is in its way, or where another one migrates.</summary>
public sealed class MigrateVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CommandLine _cogo;

    public MigrateVerbTests() => _cogo = new CommandLine(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Waiting_ends_when_another_one_has_migrated()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        _cogo.Variables["ConnectionStrings__cogo"] = database.ConnectionString;

        var waiting = _cogo.RunAsync(["migrate", "--wait", "60"]);
        var other = new CommandLine(_folder.Path);
        other.Variables["ConnectionStrings__cogo"] = database.ConnectionString;
        Assert.Equal(0, (await other.RunAsync(["migrate"])).Code);

        var waited = await waiting;
        Assert.Equal(0, waited.Code);
        Assert.Equal("The schema is up to date.\n", waited.Output);
    }

    [Fact]
    public async Task Waiting_for_nobody_ends_with_what_is_missing()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        _cogo.Variables["ConnectionStrings__cogo"] = database.ConnectionString;

        var ran = await _cogo.RunAsync(["migrate", "--wait", "1"]);

        Assert.Equal(2, ran.Code);
        Assert.Contains("not up to date after 1 s: 0001_bus.sql is pending. Run `cogo migrate`.", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_at_once_both_end_well_and_each_script_is_applied_once()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        var ran = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ =>
        {
            var cogo = new CommandLine(_folder.Path);
            cogo.Variables["ConnectionStrings__cogo"] = database.ConnectionString;
            return cogo.RunAsync(["migrate"]);
        }));

        Assert.All(ran, one => Assert.Equal(0, one.Code));
        Assert.Single(ran, one => one.Output.Contains("applied 0001_bus.sql", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_database_that_is_newer_than_the_program_is_left_alone()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync("insert into public.cogo_migrations (version, name, checksum) values (9999, 'of_tomorrow', 'x')");
        _cogo.Variables["ConnectionStrings__cogo"] = database.ConnectionString;

        var ran = await _cogo.RunAsync(["migrate"]);

        Assert.Equal(2, ran.Code);
        Assert.Contains("The database is newer than this Cogo", ran.Error, StringComparison.Ordinal);
        Assert.Contains("9999_of_tomorrow", ran.Error, StringComparison.Ordinal);
    }
}
