using System.Text.RegularExpressions;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Cli;

/// <summary>Verbs that bring their own system up and take it down.</summary>
public sealed partial class OwnSystemTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CommandLine _cogo;

    public OwnSystemTests() => _cogo = new CommandLine(_folder.Path) { Variables = { ["COGO_URL"] = "http://127.0.0.1:1" } };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Dev_answers_until_it_is_stopped_and_a_second_one_on_its_folder_is_told_so()
    {
        using var stop = new CancellationTokenSource();
        var dev = _cogo.RunAsync(["dev", "--port", "0", "--quiet"], stop.Token);
        var status = await Eventually.BecomesAsync(
            () => Task.FromResult(StatusPattern().Match(_cogo.Out.ToString()) is { Success: true } match ? match.Value : null),
            seen => seen is not null || dev.IsCompleted,
            "the banner",
            seconds: 60);
        Assert.True(status is not null, dev.IsCompleted ? (await dev).ToString() : "");
        using var http = new HttpClient();
        Assert.Contains("\"status\":\"ok\"", await http.GetStringAsync(new Uri(status)), StringComparison.Ordinal);
        Assert.Equal("*\n", await File.ReadAllTextAsync(_folder.In(".cogo", ".gitignore")));

        var second = await new CommandLine(_folder.Path).RunAsync(["dev", "--port", "0", "--quiet"]);

        Assert.True(second.Code == 2, second.ToString());
        Assert.Contains("Cogo already runs on", second.Error, StringComparison.Ordinal);
        await stop.CancelAsync();
        Assert.Equal(0, (await dev).Code);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri(status)));
        Assert.Empty(Directory.EnumerateFiles(_folder.In(".cogo", "postgres"), "postmaster.pid", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_run_without_a_server_brings_its_own_and_takes_it_down()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        var repository = new GitRepository(_folder.In("repo"));
        repository.Write("cogo.json", """{"test":"sleep 60"}""");
        repository.Commit("a test that hangs");
        _cogo.Input = "--- a/hello.txt\n+++ b/hello.txt\n@@ -1,3 +1,3 @@\n-one\n+uno\n two\n three\n"u8.ToArray();

        var ran = await _cogo.RunAsync(["run", "--json", "--repo", repository.Folder, "--patch", "-", "--timeout", "3s", "--database", database.ConnectionString]);

        Assert.True(ran.Code == 2, ran.ToString());
        var result = ran.Lines[^1];
        Assert.Equal("timeout", result.GetProperty("code").GetString());
        Assert.Contains("next `cogo dev`", result.GetProperty("reason").GetString(), StringComparison.Ordinal);
        var events = ran.Lines.Where(line => line.GetProperty("type").GetString() == "event").Select(line => line.GetProperty("event").GetString()).ToList();
        Assert.Equal(["execute_enqueued", "execute_done"], events.Take(2));
        var server = ran.Lines.Single(line => line.GetProperty("type").GetString() == "submitted").GetProperty("server").GetString()!;
        using var http = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(new Uri(server)));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from bus_sessions where ended_at is null"));
    }

    [Fact]
    public async Task Migrate_lists_what_is_pending_applies_it_and_has_nothing_left()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        _cogo.Variables["ConnectionStrings__cogo"] = database.ConnectionString;

        var pending = await _cogo.RunAsync(["migrate", "--list"]);
        var applied = await _cogo.RunAsync(["migrate"]);
        var again = await _cogo.RunAsync(["migrate"]);
        var listed = await _cogo.RunAsync(["migrate", "--list"]);

        Assert.Equal([0, 0, 0, 0], new[] { pending.Code, applied.Code, again.Code, listed.Code });
        Assert.Matches(@"0001_bus\.sql +pending", pending.Output);
        Assert.Contains("applied 0001_bus.sql", applied.Output, StringComparison.Ordinal);
        Assert.Equal("The schema is up to date.\n", again.Output);
        Assert.Matches(@"0001_bus\.sql +applied \d{4}-", listed.Output);
        Assert.True(await database.ScalarAsync<bool>("select to_regclass('public.agent_messages') is not null"));
    }

    [Fact]
    public async Task A_database_that_does_not_answer_exits_2_without_its_password()
    {
        await using var database = await PostgresServers.CreateEmptyDatabaseAsync();
        _cogo.Variables["ConnectionStrings__cogo"] = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Port = 1, Password = "hidden-word" }.ConnectionString;

        var ran = await _cogo.RunAsync(["migrate"]);

        Assert.Equal(2, ran.Code);
        Assert.Contains("Postgres does not answer", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden-word", ran.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_says_which()
    {
        var ran = await _cogo.RunAsync(["version"]);

        Assert.Equal(0, ran.Code);
        Assert.Matches(@"^cogo \d+\.\d+\.\d+", ran.Output);
    }

    [GeneratedRegex(@"http://\S+/api/integration/status", RegexOptions.None, 1000)]
    private static partial Regex StatusPattern();
}
