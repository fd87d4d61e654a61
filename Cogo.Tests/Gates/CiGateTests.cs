using System.Xml.Linq;
using Cogo.Tests.Api;
using Cogo.Tests.Cli;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Metrics;
using Xunit;

namespace Cogo.Tests.Gates;

public sealed class CiGateTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly ApiHost _api = new();
    private AuditLog _log = null!;
    private CommandLine _cogo = null!;

    public async ValueTask InitializeAsync()
    {
        await _api.InitializeAsync();
        _log = new AuditLog(_api.Database);
        _cogo = new CommandLine(_folder.Path) { Variables = { ["ConnectionStrings__cogo"] = _api.Database.ConnectionString } };
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("ci gate q1")]
    [InlineData("ci gates accept")]
    public async Task No_data_is_not_a_pass(string line)
    {
        var ran = await _cogo.RunAsync([.. line.Split(' '), "--json", "--junit", "gate.xml"]);

        Assert.Equal((2, "unknown"), (ran.Code, Assert.Single(ran.Lines).GetProperty("verdict").GetString()));
        Assert.NotEmpty(XDocument.Load(_folder.In("gate.xml")).Descendants("error"));
        Assert.Contains("? COULD NOT TELL", (await _cogo.RunAsync(line.Split(' '))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_database_and_the_server_give_the_same_answer()
    {
        for (var i = 0; i < 4; i++)
        {
            await _log.TaskAsync(i == 0 ? "failed" : "passed");
        }

        var direct = await _cogo.RunAsync(["ci", "gate", "q1", "--json"]);
        var asked = await _cogo.RunAsync(["ci", "gate", "q1", "--json", "--server", _api.Http.BaseAddress!.ToString()]);
        _cogo.Variables["METRICS_BASE"] = _api.Http.BaseAddress.ToString();
        var based = await _cogo.RunAsync(["ci", "gate", "q1", "--json"]);

        Assert.Equal((0, 0, 0), (direct.Code, asked.Code, based.Code));
        Assert.Equal("the database", direct.Lines[0].GetProperty("asked").GetString());
        Assert.Equal(direct.Lines[0].GetProperty("rules").GetRawText(), asked.Lines[0].GetProperty("rules").GetRawText());
        Assert.Equal(asked.Lines[0].GetProperty("asked").GetString(), based.Lines[0].GetProperty("asked").GetString());
    }

    [Fact]
    public async Task One_figure_below_its_threshold_fails_the_whole()
    {
        for (var i = 0; i < 10; i++)
        {
            await _log.TaskAsync("passed");
        }

        Assert.Equal(0, (await _cogo.RunAsync(["ci", "gates", "accept"])).Code);
        await _log.EventAsync(_log.Trace(), "buildtest_failed", """{"verdict":"infrastructure"}""");
        var failed = await _cogo.RunAsync(["ci", "gates", "accept"]);
        Assert.Equal(1, failed.Code);
        Assert.Contains("1 of 11 tasks", failed.Output, StringComparison.Ordinal);

        await File.WriteAllTextAsync(
            _folder.In("lenient.json"),
            """{ "failure_rate": { "max": 0.5 }, "p90_latency": { "stage": "end_to_end", "max_seconds": 60 }, "decision_quality": { "min": 0.85 }, "q1_pass_rate": { "min": 0.7 } }""");
        Assert.Equal(0, (await _cogo.RunAsync(["ci", "gates", "accept", "--thresholds", "lenient.json"])).Code);
        Assert.Equal(2, (await _cogo.RunAsync(["ci", "gates", "accept", "--window", "10s"])).Code);
    }

    [Theory]
    [InlineData("--thresholds nowhere.json", "cannot be read")]
    [InlineData("--window soon", "--window is 'soon'")]
    [InlineData("--server here", "no address")]
    [InlineData("--server http://localhost:1 --data x", "Leave out one")]
    public async Task What_cannot_be_asked_is_refused(string options, string words)
    {
        var ran = await _cogo.RunAsync(["ci", "gate", "q1", .. options.Split(' ')]);

        Assert.Equal(3, ran.Code);
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_could_not_tell() =>
        Assert.Equal(2, (await _cogo.RunAsync(["ci", "gate", "q1", "--server", "http://127.0.0.1:9"])).Code);
}
