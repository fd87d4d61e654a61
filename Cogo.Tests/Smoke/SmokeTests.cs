using System.Text.Json;
using Cogo.Cli;
using Cogo.Core.Database.Embedded;
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

        var red = await _database.ScalarAsync<string>("select trace_id from bus_events where type = 'buildtest_done' and tenant = 'expected-red'");
        var judged = await _cogo.RunAsync(["smoke", "gate-trace", "--trace", red!, "--json"]);
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
    [InlineData("smoke buildtest --timeout soon", "no duration")]
    [InlineData("smoke buildtest --server http://192.0.2.1", "on another machine")]
    public async Task What_cannot_be_tried_is_refused(string line, string words)
    {
        var ran = await _cogo.RunAsync(line.Split(' '));

        Assert.Equal(3, ran.Code);
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
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
