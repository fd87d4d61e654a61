using System.Text.Json;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Cli;

public sealed class RunVerdictTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private ScriptedServer _server = null!;
    private CommandLine _cogo = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ScriptedServer.StartAsync();
        _cogo = new CommandLine(_folder.Path) { Variables = { ["COGO_URL"] = _server.Address } };
        Directory.CreateDirectory(_folder.In("repo"));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_green_run_exits_0_and_shows_each_step()
    {
        var ran = await RunAsync();

        Assert.True(ran.Code == 0, ran.ToString());
        Assert.Contains("✓ PASSED  3 passed", ran.Output, StringComparison.Ordinal);
        var places = new[] { "execute_enqueued", "execute_done", "codegen_done", "buildtest_progress", "buildtest_done" }
            .Select(type => ran.Output.IndexOf(type, StringComparison.Ordinal)).ToList();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        Assert.Matches(@"codegen_done +patch, 1 file, \+2, -1", ran.Output);
        Assert.Contains("make test", ran.Output, StringComparison.Ordinal);
        Assert.Empty(ran.Error);
    }

    [Fact]
    public async Task A_red_run_exits_1_and_names_the_failing_tests_with_their_place()
    {
        (_server.Report, _server.Verdict, _server.FailureClass) = (ScriptedServer.RedReport, "failed", "tests_failed");

        var ran = await RunAsync("--task-id", "red");

        Assert.True(ran.Code == 1, ran.ToString());
        Assert.Contains("✗ FAILED  tests_failed · 1 passed, 1 failed, 1 errored", ran.Output, StringComparison.Ordinal);
        Assert.Contains("Calculator › adds_two_numbers\n    test/calculator.js:12\n    expected 4", ran.Output, StringComparison.Ordinal);
        Assert.Contains("Calculator › divides\n    test/calculator.js:20\n    it threw", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("subtracts", ran.Output, StringComparison.Ordinal);
        Assert.Contains($"{_server.Address}artifacts/red/build-test/report.json", ran.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', ran.Output);
    }

    [Fact]
    public async Task A_fault_of_the_machine_exits_2_with_its_reason()
    {
        _server.Codegen = _ => Task.FromResult<Outcome>(new Outcome.Fail("disk_full", "No space left: free some.", Verdict.Infrastructure));

        var ran = await RunAsync();

        Assert.True(ran.Code == 2, ran.ToString());
        Assert.Contains("! INFRASTRUCTURE  disk_full\n  No space left: free some.", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_of_the_request_exits_3_with_its_reason()
    {
        _server.Codegen = _ => Task.FromResult<Outcome>(new Outcome.Fail("patch_does_not_apply", "It does not apply to a.txt.", Verdict.Invalid));

        var ran = await RunAsync();

        Assert.True(ran.Code == 3, ran.ToString());
        Assert.Contains("! INVALID  patch_does_not_apply\n  It does not apply to a.txt.", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_retry_is_shown_and_the_run_goes_on()
    {
        _server.Codegen = delivery => delivery.Attempt == 1
            ? Task.FromResult<Outcome>(new Outcome.Retry("The model is busy.", TimeSpan.FromMilliseconds(1)))
            : ScriptedServer.PassOnAsync(delivery);

        var ran = await RunAsync();

        Assert.True(ran.Code == 0, ran.ToString());
        Assert.Matches("codegen_retry +The model is busy", ran.Output);
    }

    [Fact]
    public async Task Json_is_one_object_a_line_and_the_last_is_the_result()
    {
        (_server.Report, _server.Verdict, _server.FailureClass) = (ScriptedServer.RedReport, "failed", "tests_failed");

        var ran = await RunAsync("--json", "--task-id", "as-json");

        Assert.Equal(1, ran.Code);
        var lines = ran.Lines;
        Assert.All(lines, line => Assert.Equal(JsonValueKind.Object, line.ValueKind));
        var submitted = Assert.Single(lines, line => Type(line) == "submitted");
        Assert.Equal(
            ["execute_enqueued", "execute_done", "codegen_done", "buildtest_progress", "buildtest_done"],
            lines.Where(line => Type(line) == "event").Select(line => line.GetProperty("event").GetString()));
        var result = lines[^1];
        Assert.Equal(("result", "failed", "tests_failed"), (Type(result), result.GetProperty("verdict").GetString(), result.GetProperty("code").GetString()));
        Assert.Equal(submitted.GetProperty("trace_id").GetString(), result.GetProperty("trace_id").GetString());
        Assert.Equal(2, result.GetProperty("report").GetProperty("stages").EnumerateArray().Count() + result.GetProperty("report").GetProperty("tests").GetProperty("failed").GetInt32());
        var artifact = Assert.Single(result.GetProperty("artifacts").EnumerateArray());
        Assert.Equal("as-json/build-test/report.json", artifact.GetProperty("path").GetString());
        Assert.Equal($"{_server.Address}artifacts/as-json/build-test/report.json", artifact.GetProperty("url").GetString());
        Assert.Empty(ran.Error);
    }

    [Fact]
    public async Task A_green_verdict_without_a_report_is_not_believed()
    {
        _server.Report = null;

        var ran = await RunAsync();

        Assert.True(ran.Code == 2, ran.ToString());
        Assert.Contains("report_missing", ran.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"stages":"none"}""")]
    [InlineData("no json at all")]
    public async Task A_report_that_does_not_read_is_not_believed(string report)
    {
        _server.Report = report;

        var ran = await RunAsync("--json");

        Assert.True(ran.Code == 2, ran.ToString());
        Assert.Equal("infrastructure", ran.Lines[^1].GetProperty("verdict").GetString());
        Assert.Matches("^[0-9a-f]{32}$", ran.Lines[^1].GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task A_run_without_a_verdict_in_time_exits_2_and_names_the_trace()
    {
        var never = new TaskCompletionSource<Outcome>();
        _server.Codegen = _ => never.Task;

        var ran = await RunAsync("--timeout", "1s", "--json");

        never.SetResult(Outcome.Completed());
        Assert.True(ran.Code == 2, ran.ToString());
        var result = ran.Lines[^1];
        Assert.Equal("timeout", result.GetProperty("code").GetString());
        Assert.Contains($"/api/metrics/trace/{result.GetProperty("trace_id").GetString()}", result.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_exits_130_and_says_where_the_task_goes_on()
    {
        var never = new TaskCompletionSource<Outcome>();
        _server.Codegen = _ => never.Task;
        using var stop = new CancellationTokenSource();
        var running = RunAsync(stop.Token);
        await Eventually.BecomesTrueAsync(() => _cogo.Out.ToString().Contains("execute_done", StringComparison.Ordinal), "the dispatch");

        await stop.CancelAsync();
        var ran = await running;

        never.SetResult(Outcome.Completed());
        Assert.Equal(130, ran.Code);
        Assert.Contains($"The task goes on at {_server.Address}", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_relative_path_is_made_absolute_and_the_patch_sent_as_it_is()
    {
        await RunAsync("--base", "main", "--allow-dirty", "--task-id", "sent");

        Assert.Equal(
            $"{_folder.In("repo")} main patch true",
            await _server.Api.Database.ScalarAsync<string>(
                "select concat_ws(' ', payload ->> 'repo', payload ->> 'base', payload ->> 'engine', payload ->> 'allow_dirty') from agent_messages where role = 'execute'"));
        Assert.Equal(Patch, await _server.Api.Database.ScalarAsync<string>("select payload ->> 'patch' from agent_messages where role = 'execute'"));
    }

    [Fact]
    public async Task A_refusal_of_the_server_exits_3_with_its_sentence()
    {
        var ran = await _cogo.RunAsync(["run", "--repo", "https://user:secret@example.org/r.git", "--command", "true"]);

        Assert.True(ran.Code == 3, ran.ToString());
        Assert.Contains("credential helper", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", ran.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_patch_that_is_too_long_once_written_as_json_exits_3()
    {
        _cogo.Input = System.Text.Encoding.UTF8.GetBytes($"--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+{new string('"', 3 * 1024 * 1024)}\n");

        var ran = await _cogo.RunAsync(["run", "--repo", "repo", "--patch", "-"]);

        Assert.True(ran.Code == 3, ran.ToString());
        Assert.Contains("The body is larger than 5 MiB", ran.Error, StringComparison.Ordinal);
    }

    private const string Patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+zwei ä\n";

    private static string? Type(JsonElement line) => line.GetProperty("type").GetString();

    private Task<Ran> RunAsync(params string[] more) => RunAsync(CancellationToken.None, more);

    private Task<Ran> RunAsync(CancellationToken cancellationToken, params string[] more)
    {
        _cogo.Input = System.Text.Encoding.UTF8.GetBytes(Patch);
        return _cogo.RunAsync(["run", "--repo", "repo", "--patch", "-", .. more], cancellationToken);
    }
}
