using Cogo.Core.Database;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Cogo.Tests.Database;

public class MigratorTests
{
    private static readonly MigrationScript First = new("0001_first.sql", "create table first (id int);");
    private static readonly MigrationScript Second = new("0002_second.sql", "create table second (id int);");

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task The_schema_comes_up_once_and_is_up_to_date_then(int postgres)
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync(postgres);

        Assert.Equal(MigrationScript.Embedded.Select(script => script.FileName), await MigrateAsync(database));
        Assert.Empty(await MigrateAsync(database));
    }

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Scripts_that_were_applied_by_hand_are_taken_as_they_are(int postgres)
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync(postgres);
        foreach (var script in MigrationScript.Embedded)
        {
            await database.ExecuteAsync(script.Sql);
        }

        Assert.Equal(MigrationScript.Embedded.Count, (await MigrateAsync(database)).Count);
        Assert.Empty(await MigrateAsync(database));
    }

    [Fact]
    public async Task Migrators_side_by_side_apply_each_script_once()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();

        var applied = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => MigrateAsync(database)));

        Assert.Equal(MigrationScript.Embedded.Select(script => script.FileName), applied.SelectMany(names => names));
    }

    [Fact]
    public async Task A_script_that_was_changed_after_it_was_applied_is_refused()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        await MigrateAsync(database, First);

        var refused = await Assert.ThrowsAsync<MigrationException>(() => MigrateAsync(database, new MigrationScript("0001_first.sql", "create table other (id int);")));

        Assert.Contains("0001_first.sql was changed after it was applied", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_left_alone()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        await MigrateAsync(database, First, Second);

        var refused = await Assert.ThrowsAsync<MigrationException>(() => MigrateAsync(database, First));

        Assert.Contains("newer than this Cogo", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upgrade_that_fails_changes_nothing_and_says_why()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        var broken = new MigrationScript("0002_broken.sql", "create table second (id int);\nselect nonsense from first;");

        var failed = await Assert.ThrowsAsync<MigrationException>(() => MigrateAsync(database, First, broken));

        Assert.Contains("0002_broken.sql failed: 42703 column \"nonsense\"", failed.Message, StringComparison.Ordinal);
        Assert.False(await database.ScalarAsync<bool>("select to_regclass('public.first') is not null"));
    }

    [Fact]
    public async Task A_script_below_the_newest_applied_one_is_refused()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        await MigrateAsync(database, Second);

        var refused = await Assert.ThrowsAsync<MigrationException>(() => MigrateAsync(database, First, Second));

        Assert.Contains("Give it a number above 0002", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_statement_that_refuses_a_transaction_runs_outside_of_one()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        var index = new MigrationScript("0002_index.sql", "-- no-transaction\ncreate index concurrently first_id on first (id);");

        await MigrateAsync(database, First, index);

        Assert.True(await database.ScalarAsync<bool>("select indisvalid from pg_index where indexrelid = 'first_id'::regclass"));
    }

    private static async Task<List<string>> MigrateAsync(TestDatabase database, params MigrationScript[] scripts) =>
        [.. (await new Migrator(database.DataSource, NullLogger.Instance, scripts.Length > 0 ? scripts : null).MigrateAsync(CancellationToken.None)).Select(script => script.FileName)];
}
