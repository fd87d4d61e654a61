using Cogo.Tests.Fixtures;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Cli;

/// <summary>A connection string that leads nowhere: what is wrong in it, what to do, and never the string itself.</summary>
public sealed class WrongConnectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("host", "The host in ConnectionStrings__cogo is not known: correct Host")]
    [InlineData("port", "Postgres does not answer (")]
    [InlineData("password", "Postgres does not let this user in (password authentication failed")]
    [InlineData("database", "Postgres has no such database (database \"nowhere\" does not exist): create it, or correct Database")]
    public async Task It_exits_2_with_a_sentence(string wrong, string sentence)
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        var good = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        good.Timeout = 5;
        switch (wrong)
        {
            // A name that no name service may know (RFC 6761).
            case "host": good.Host = "nowhere.invalid"; break;
            case "port": good.Port = 1; break;
            case "password": good.Password = "hidden-word"; break;
            default: good.Database = "nowhere"; break;
        }

        foreach (var line in (string[][])[["migrate"], ["list", "jobs"]])
        {
            var cogo = new CommandLine(_folder.Path);
            cogo.Variables["ConnectionStrings__cogo"] = good.ConnectionString;

            var ran = await cogo.RunAsync(line);

            Assert.True(ran.Code == 2, ran.ToString());
            Assert.Contains(sentence, ran.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", ran.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("hidden-word", ran.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Waiting_for_a_schema_does_not_wait_for_a_password()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        var cogo = new CommandLine(_folder.Path);
        cogo.Variables["ConnectionStrings__cogo"] = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Password = "hidden-word" }.ConnectionString;

        var ran = await cogo.RunAsync(["migrate", "--wait", "60"]);

        Assert.Equal(2, ran.Code);
        Assert.Contains("does not let this user in", ran.Error, StringComparison.Ordinal);
    }
}
