using System.Text.Json;
using Cogo.Tests.EndToEnd;
using Xunit;

namespace Cogo.Tests.Workflows;

/// <summary>Whole runs on a real repository: real commands, real builds, no model.</summary>
public sealed class WorkflowRunTests(WorkflowSystem system) : IClassFixture<WorkflowSystem>
{
    [Fact]
    public async Task A_change_that_is_green_at_once_passes_its_gate()
    {
        var before = system.Repository.Fingerprint();

        var run = await system.Client.StartToEndAsync(new { template = "codeBuildTest", repo = system.Repository.Folder, engine = "patch", patch = SampleRepository.Patch("shell", "good") });

        Assert.Equal("passed", run.GetProperty("status").GetString());
        Assert.Equal(["codegen 1 done", "build-test 1 done passed"], WorkflowClient.Steps(run));
        Assert.Equal(
            ["workflow_started", "workflow_step_started", "workflow_step_done", "workflow_step_started", "workflow_step_done", "gate_passed", "workflow_done"],
            await EventsAsync(run));
        var gate = (await system.Client.GetAsync(run.GetProperty("links").GetProperty("gate").GetString()!)).Json;
        Assert.Equal("pass", gate.GetProperty("verdict").GetString());
        Assert.All(gate.GetProperty("rules").EnumerateArray(), rule => Assert.Equal("pass", rule.GetProperty("verdict").GetString()));
        Assert.Equal(before, system.Repository.Fingerprint());
    }

    [Fact]
    public async Task A_red_report_goes_back_to_codegen_with_its_failures_until_it_is_green()
    {
        var run = await system.Client.StartToEndAsync(system.Command(WorkflowSystem.MendsWhenTold));

        Assert.True(run.GetProperty("status").GetString() == "passed", run.ToString());
        Assert.Equal(["codegen 1 done", "build-test 1 done failed", "codegen 2 done", "build-test 2 done passed"], WorkflowClient.Steps(run));
        Assert.Equal(1, run.GetProperty("repairs_left").GetInt32());
        Assert.Equal(
            [
                "workflow_started", "workflow_step_started", "workflow_step_done", "workflow_step_started", "workflow_step_done", "workflow_repair", "workflow_step_started",
                "workflow_step_done", "workflow_step_started", "workflow_step_done", "gate_fix", "gate_passed", "workflow_done",
            ],
            await EventsAsync(run));

        var trace = (await system.Client.GetAsync($"/api/metrics/trace/{run.GetProperty("trace_id")}")).Json;
        Assert.Equal("passed", trace.GetProperty("verdict").GetString());
        Assert.Equal(2, PipelineClient.Steps(trace).Count(type => type == "codegen_done"));
        var fix = PipelineClient.Events(trace).Single(entry => entry.GetProperty("type").GetString() == "gate_fix").GetProperty("data");
        Assert.True(fix.GetProperty("fixed").GetBoolean());
        var task = run.GetProperty("task_id").GetString();
        Assert.Equal($"{task}-2/codegen/change.diff", fix.GetProperty("change").GetString());

        // The engine was told what it was asked for and what failed, and the whole change is one diff against the base.
        var diff = (await system.Client.GetAsync($"/artifacts/{fix.GetProperty("change")}")).Text;
        Assert.Contains("+Compare by numbers.", diff, StringComparison.Ordinal);
        Assert.Contains("1.2.3 < 1.3.0", diff, StringComparison.Ordinal);
        Assert.Equal(1, diff.Split("diff --git a/src/semver.sh").Length - 1);
        var first = (await system.Client.GetAsync($"/artifacts/{task}/build-test/report.json")).Json;
        Assert.Equal("failed", first.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task When_no_repair_helps_the_run_is_red_and_its_gate_says_why()
    {
        var run = await system.Client.StartToEndAsync(system.Command("[ \"$COGO_REPAIR\" != 0 ] || git apply bad.patch; echo $COGO_REPAIR >> tries.txt", maxRepairs: 2));

        Assert.Equal(("failed", "tests_failed"), (run.GetProperty("status").GetString(), run.GetProperty("code").GetString()));
        Assert.Contains("2 repairs were tried", run.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            ["codegen 1 done", "build-test 1 done failed", "codegen 2 done", "build-test 2 done failed", "codegen 3 done", "build-test 3 done failed"], WorkflowClient.Steps(run));
        var events = await EventsAsync(run);
        Assert.Equal(["gate_failed", "workflow_failed"], events[^2..]);
        Assert.Equal(2, events.Count(type => type == "gate_fix"));
        var gate = (await system.Client.GetAsync(run.GetProperty("links").GetProperty("gate").GetString()!)).Json;
        Assert.Equal("fail", gate.GetProperty("verdict").GetString());
        var failing = gate.GetProperty("rules").EnumerateArray().Single(rule => rule.GetProperty("name").GetString() == "tests_failing");
        Assert.Equal(("0", "2"), (failing.GetProperty("expected").GetString(), failing.GetProperty("actual").GetString()));
        // A repair goes on from the change before it.
        Assert.Contains("+0\n+1\n+2", (await system.Client.GetAsync($"/artifacts/{run.GetProperty("task_id")}-3/codegen/change.diff")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repair_that_changes_nothing_is_the_end()
    {
        var run = await system.Client.StartToEndAsync(system.Command("[ \"$COGO_REPAIR\" != 0 ] || git apply bad.patch"));

        Assert.Equal(("failed", "no_repair"), (run.GetProperty("status").GetString(), run.GetProperty("code").GetString()));
        Assert.Equal(["codegen 1 done", "build-test 1 done failed", "codegen 2 failed failed"], WorkflowClient.Steps(run));
    }

    [Fact]
    public async Task A_patch_is_not_mended()
    {
        var run = await system.Client.StartToEndAsync(new { template = "codeBuildTest", repo = system.Repository.Folder, engine = "patch", patch = SampleRepository.Patch("shell", "bad") });

        Assert.Equal("failed", run.GetProperty("status").GetString());
        Assert.Equal(["codegen 1 done", "build-test 1 done failed"], WorkflowClient.Steps(run));
    }

    [Theory]
    [InlineData("exit 3", "failed", "command_failed", "fail")]
    [InlineData("exit 3", "invalid", "repo_not_found", "unknown")]
    public async Task A_step_whose_message_was_given_up_ends_the_run_with_its_reason(string command, string status, string code, string gate)
    {
        var repo = status == "invalid" ? Path.Combine(system.Folder, "nowhere") : system.Repository.Folder;

        var run = await system.Client.StartToEndAsync(new { template = "codeBuildTest", repo, engine = "command", command });

        Assert.Equal((status, code), (run.GetProperty("status").GetString(), run.GetProperty("code").GetString()));
        Assert.Equal([$"codegen 1 failed {status}"], WorkflowClient.Steps(run));
        Assert.Equal(gate, run.GetProperty("gate").GetProperty("verdict").GetString());
        var trace = (await system.Client.GetAsync($"/api/metrics/trace/{run.GetProperty("trace_id")}")).Json;
        Assert.Equal(status, trace.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task A_request_that_is_sent_again_with_its_key_starts_nothing_new()
    {
        var key = Guid.NewGuid().ToString("N");
        var request = system.Command("git apply good.patch");

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => system.Client.PostAsync("/api/workflows/execute", request, key)));
        var other = await system.Client.PostAsync("/api/workflows/execute", system.Command("git apply bad.patch"), key);

        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
        Assert.Single(answers.Select(answer => answer.Field("run_id")).Distinct());
        Assert.Single(answers, answer => answer.Field("duplicate") == "False");
        other.IsProblem(422, "idempotency_key_reused", "Use a new key");
        await system.Client.EndAsync(answers[0].Field("run_id")!);
    }

    [Fact]
    public async Task Runs_are_listed_newest_first_page_by_page()
    {
        var first = await system.Client.StartToEndAsync(system.Command("exit 1"));
        var second = await system.Client.StartToEndAsync(system.Command("exit 1"));
        var ids = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await system.Client.GetAsync($"/api/workflows?status=failed&limit=1{(cursor is null ? "" : $"&cursor={cursor}")}")).Json;
            ids.AddRange(page.GetProperty("runs").EnumerateArray().Select(run => run.GetProperty("run_id").GetString()!));
            cursor = page.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);

        Assert.Equal(ids.OrderDescending(StringComparer.Ordinal), ids);
        var (at, before) = (ids.IndexOf(second.GetProperty("run_id").GetString()!), ids.IndexOf(first.GetProperty("run_id").GetString()!));
        Assert.True(at >= 0 && before > at);
    }

    private async Task<List<string>> EventsAsync(JsonElement run)
    {
        var events = await system.Reader.EventsAsync(run.GetProperty("trace_id").GetString()!, run.GetProperty("run_id").GetString()!, 0, default);
        Assert.Equal(Enumerable.Range(1, events.Count), events.Select(entry => entry.Seq!.Value));
        return [.. events.Select(entry => entry.Type)];
    }
}
