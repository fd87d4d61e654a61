using System.Text.Json;
using System.Xml.Linq;
using Cogo.Tests.Cli;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Gates;

public sealed class LocalGateTests : IAsyncLifetime
{
    private const string Green = """printf 'TAP version 13\n1..2\nok 1 - adds\nok 2 - subtracts\n' > "$COGO_RESULTS/all.tap" """;

    private readonly TemporaryFolder _folder = new();
    private TestDatabase _database = null!;
    private CommandLine _cogo = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresServers.CreateDatabaseAsync();
        Directory.CreateDirectory(_folder.In("shop"));
        _cogo = new CommandLine(_folder.Path) { Variables = { ["ConnectionStrings__cogo"] = _database.ConnectionString } };
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_good_repository_passes_and_leaves_an_event_and_artifacts()
    {
        Project(build: "echo built", lint: "echo no complaint", test: Green);

        var ran = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--json", "--junit", "out/gate.xml"]);

        Assert.True(ran.Code == 0, ran.ToString());
        var answer = Assert.Single(ran.Lines);
        Assert.Equal("pass", answer.GetProperty("verdict").GetString());
        Assert.Equal(
            ["build_exit", "lint_exit", "test_exit", "reports", "tests_passed", "tests_failed", "exit_agrees_with_results"],
            answer.GetProperty("rules").EnumerateArray().Select(rule => rule.GetProperty("name").GetString()));
        var task = answer.GetProperty("task_id").GetString()!;
        Assert.Contains("no complaint", await File.ReadAllTextAsync(_folder.In($".cogo/artifacts/{task}/gate/lint.log")), StringComparison.Ordinal);
        Assert.Equal(
            $"gate_passed {answer.GetProperty("trace_id").GetString()} [\"{task}/gate/lint.log\"]",
            await _database.ScalarAsync<string>("select type || ' ' || trace_id || ' ' || (data ->> 'lint') from bus_events"));
        Assert.Equal(6L, await _database.ScalarAsync<long>("select count(*) from artifacts where trace_id = $1", answer.GetProperty("trace_id").GetString()!));
        var suite = XDocument.Load(_folder.In("out/gate.xml")).Root!.Element("testsuite")!;
        Assert.Equal(("7", "0", "0"), (suite.Attribute("tests")!.Value, suite.Attribute("failures")!.Value, suite.Attribute("errors")!.Value));
    }

    [Fact]
    public async Task A_linter_that_complains_fails_the_gate_tests_run_all_the_same_and_the_repair_is_a_fix()
    {
        Project(build: null, lint: "echo 'shop.c:3: unused' >&2; exit 4", test: Green);
        var failed = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--json", "--junit", "gate.xml"]);
        Project(build: null, lint: "true", test: Green);
        var passed = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--json"]);
        var again = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--json"]);

        Assert.Equal((1, 0, 0), (failed.Code, passed.Code, again.Code));
        Assert.Equal(("fail", "4"), Rule(failed.Lines[0], "lint_exit"));
        Assert.Equal(("pass", "2"), Rule(failed.Lines[0], "tests_passed"));
        var failure = Assert.Single(XDocument.Load(_folder.In("gate.xml")).Descendants("failure"));
        Assert.Contains("shop.c:3: unused", failure.Value, StringComparison.Ordinal);
        Assert.Equal(
            "gate_failed,gate_passed,gate_fix,gate_passed", await _database.ScalarAsync<string>("select string_agg(type, ',' order by id) from bus_events"));
        var fix = JsonSerializer.Deserialize<JsonElement>((await _database.ScalarAsync<string>("select data::text from bus_events where type = 'gate_fix'"))!);
        Assert.Equal(failed.Lines[0].GetProperty("trace_id").GetString(), fix.GetProperty("failed_trace_id").GetString());
        Assert.Equal("lint_exit", Assert.Single(fix.GetProperty("fixed_rules").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task The_build_can_be_named_and_what_did_not_run_says_nothing()
    {
        Project(build: "true", lint: "true", test: Green);
        _cogo.Variables["CODE_BUILD_CMD"] = "echo 'cannot compile shop' >&2; exit 9";

        var ran = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--json", "--no-record"]);

        Assert.Equal(1, ran.Code);
        Assert.Equal(("fail", "9"), Rule(ran.Lines[0], "build_exit"));
        Assert.Equal(("unknown", "did not run"), Rule(ran.Lines[0], "test_exit"));
        Assert.Equal(0L, await _database.ScalarAsync<long>("select count(*) from bus_events"));
        var shown = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--no-record"]);
        Assert.Contains("cannot compile shop", shown.Output, StringComparison.Ordinal);
        Assert.Contains("✗ FAILED  gate local", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_project_or_without_its_tools_it_could_not_tell()
    {
        var nothing = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--json"]);
        Project(build: null, lint: null, test: "no-such-test-tool --all");
        var toolless = await _cogo.RunAsync(["gate", "local", "--repo", "shop", "--json"]);

        Assert.Equal((2, 2), (nothing.Code, toolless.Code));
        Assert.Equal("unknown", nothing.Lines[0].GetProperty("verdict").GetString());
        Assert.Equal(("skipped", "no linter"), Rule(toolless.Lines[0], "lint_exit"));
        Assert.Equal(0L, await _database.ScalarAsync<long>("select count(*) from bus_events"));
        Assert.Equal(3, (await _cogo.RunAsync(["gate", "local", "--repo", "nowhere"])).Code);
    }

    private void Project(string? build, string? lint, string test) =>
        File.WriteAllText(_folder.In("shop/cogo.json"), JsonSerializer.Serialize(new Dictionary<string, string?> { ["build"] = build, ["lint"] = lint, ["test"] = test }));

    private static (string? Verdict, string? Actual) Rule(JsonElement answer, string name)
    {
        var rule = Assert.Single(answer.GetProperty("rules").EnumerateArray(), rule => rule.GetProperty("name").GetString() == name);
        return (rule.GetProperty("verdict").GetString(), rule.GetProperty("actual").GetString());
    }
}
