using System.Text.Json;
using Cogo.Cli;
using Cogo.Cli.Run;
using Cogo.Cli.Smoke;
using Cogo.Core.Database.Embedded;
using Cogo.Core.Metrics;
using Cogo.Tests.Cli;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Smoke;

public sealed class SmokeTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _database = null!;
    private CommandLine _cogo = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresServers.CreateDatabaseAsync();
        _cogo = new CommandLine(_folder.Path)
        {
            Variables = { ["ConnectionStrings__cogo"] = _database.ConnectionString, ["COGO_URL"] = "http://127.0.0.1:9" },
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_system_that_works_passes_every_smoke_and_then_its_gates()
    {
        await using var system = await CogoSystem.StartAsync(
            new CogoSystemOptions
            {
                ConnectionString = _database.ConnectionString,
                Folder = _folder.In(".cogo"),
                ArtifactsFolder = _folder.In(".cogo/artifacts"),
                WorkFolder = _folder.In(".cogo/work"),
                Postgres = EmbeddedPostgresOptions.FromEnvironment(_ => null),
                Port = 0,
            },
            CancellationToken.None);
        _cogo.Variables["COGO_URL"] = system.Address.ToString();

        await PassesAsync("smoke dispatcher", 5);
        await PassesAsync("smoke workflows", 3);
        await PassesAsync("smoke buildtest", 4);
        var trace = await PassesAsync("smoke gate-trace", 5);
        await PassesAsync("ci gates accept", 4);
        await PassesAsync("ci gate q1", 1);

        // The bad patch of the build/test smoke is in the figures like any other, as a task that was repaired.
        Assert.Equal(
            "passed true", await _database.ScalarAsync<string>(
                """
                select string_agg(t.verdict || ' ' || t.red, ',') from task_outcomes t
                where t.trace_id in (select e.trace_id from bus_events e where e.type = 'buildtest_done' and e.data ->> 'task_id' like 'smoke-red-%')
                """));
        var red = await RedAsync(system.Address);
        var judged = await _cogo.RunAsync(["smoke", "gate-trace", "--trace", red, "--json"]);
        Assert.Equal((1, "fail"), (judged.Code, judged.Lines[0].GetProperty("verdict").GetString()));
        Assert.Equal(0, (await _cogo.RunAsync(["smoke", "gate-trace", "--trace", trace.GetProperty("trace_id").GetString()!])).Code);
        await File.WriteAllTextAsync(
            _folder.In("strict.json"),
            """{ "failure_rate": { "max": 0.05 }, "p90_latency": { "stage": "end_to_end", "max_seconds": 0.001 }, "decision_quality": { "min": 0.85 }, "q1_pass_rate": { "min": 0.7 } }""");
        Assert.Equal(1, (await _cogo.RunAsync(["smoke", "gate-trace", "--trace", trace.GetProperty("trace_id").GetString()!, "--thresholds", "strict.json"])).Code);
    }

    [Theory]
    [InlineData("smoke dispatcher", "Start the workers")]
    [InlineData("smoke workflows", "No Cogo answers")]
    [InlineData("smoke buildtest", "No Cogo answers")]
    [InlineData("smoke gate-trace", "No Cogo answers")]
    public async Task Without_a_system_it_could_not_be_told(string line, string words)
    {
        var ran = await _cogo.RunAsync(line.Split(' '));

        Assert.Equal(2, ran.Code);
        Assert.Contains(words, ran.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("smoke gate-trace --trace xyz", "32 lowercase hex digits")]
    [InlineData("smoke buildtest --timeout soon", "write 90s")]
    [InlineData("smoke buildtest --server http://192.0.2.1", "on another machine")]
    public async Task What_cannot_be_tried_is_refused(string line, string words)
    {
        var ran = await _cogo.RunAsync(line.Split(' '));

        Assert.Equal(3, ran.Code);
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
    }

    /// <summary>A task whose last word is red, of a tenant whose name is of no account.</summary>
    private async Task<string> RedAsync(Uri address)
    {
        using var repository = await SmokeRepository.CreateAsync(CancellationToken.None);
        using var server = new CogoServer(address);
        var ticket = await server.SubmitAsync(
            new RunRequest { TaskId = "red", Repo = repository.Path, Engine = "patch", Patch = SmokeRepository.BadPatch, Tenant = "expected-red" }, "red", CancellationToken.None);
        await Eventually.BecomesAsync(
            () => _database.ScalarAsync<string>("select verdict from task_outcomes where trace_id = $1", ticket.TraceId), verdict => verdict is not null, "its verdict", 60);
        Assert.Equal(1, (await server.MetricsAsync(MetricsWindow.Day, CancellationToken.None)).Tasks.Failed);
        return ticket.TraceId;
    }

    private async Task<JsonElement> PassesAsync(string line, int rules)
    {
        var ran = await _cogo.RunAsync([.. line.Split(' '), "--json"]);
        Assert.True(ran.Code == 0, ran.ToString());
        var answer = Assert.Single(ran.Lines);
        Assert.Equal(rules, answer.GetProperty("rules").GetArrayLength());
        return answer;
    }
}
