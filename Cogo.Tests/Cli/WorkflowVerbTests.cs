using Cogo.Tests.Workflows;
using Xunit;

namespace Cogo.Tests.Cli;

public sealed class WorkflowVerbTests(WorkflowSystem system) : IClassFixture<WorkflowSystem>
{
    private CommandLine Cogo => new(system.Folder) { Variables = { ["COGO_URL"] = system.Client.Http.BaseAddress!.ToString() } };

    [Fact]
    public async Task A_run_is_followed_through_its_repairs_to_its_verdict()
    {
        var ran = await Cogo.RunAsync(["workflow", "run", "--repo", system.Repository.Folder, "--command", WorkflowSystem.MendsWhenTold, "--max-repairs", "1", "--json"]);

        Assert.True(ran.Code == 0, ran.ToString());
        var result = ran.Lines[^1];
        Assert.Equal("passed", result.GetProperty("verdict").GetString());
        Assert.EndsWith("-2", result.GetProperty("task_id").GetString(), StringComparison.Ordinal);
        Assert.Equal("passed", result.GetProperty("report").GetProperty("verdict").GetString());
        Assert.NotEmpty(result.GetProperty("artifacts").EnumerateArray());
        Assert.Contains(ran.Lines, line => line.TryGetProperty("event", out var type) && type.GetString() == "gate_fix");

        var shown = await Cogo.RunAsync(["workflow", "show", result.GetProperty("run_id").GetString()!]);
        Assert.Contains("build-test", shown.Output, StringComparison.Ordinal);
        Assert.Contains("passed", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_red_run_exits_so_is_listed_and_can_be_retried()
    {
        var ran = await Cogo.RunAsync(["workflow", "run", "--repo", system.Repository.Folder, "--command", "git apply bad.patch", "--max-repairs", "0"]);
        Assert.True(ran.Code == 1, ran.ToString());
        Assert.Contains("FAILED", ran.Output, StringComparison.Ordinal);
        Assert.Contains("workflow_failed", ran.Output, StringComparison.Ordinal);

        var listed = await Cogo.RunAsync(["workflow", "list", "--status", "failed", "--json"]);
        var id = listed.Lines[0].GetProperty("run_id").GetString()!;
        var retried = await Cogo.RunAsync(["workflow", "retry", id, "--from", "build-test", "--json"]);
        Assert.Equal("running", retried.Lines[0].GetProperty("status").GetString());
        await system.Client.EndAsync(id);
    }

    [Fact]
    public async Task A_run_is_cancelled()
    {
        var id = await system.Client.StartAsync(system.Command("sleep 600"));

        var cancelled = await Cogo.RunAsync(["workflow", "cancel", id, "--reason", "Enough."]);

        Assert.Equal(0, cancelled.Code);
        Assert.Contains("Enough.", cancelled.Output, StringComparison.Ordinal);
        Assert.Equal("cancelled", (await system.Client.ShowAsync(id)).GetProperty("status").GetString());
    }

    [Theory]
    [InlineData(3, "no id of a run", "show", "x")]
    [InlineData(2, "There is no run", "show", "run-0123456789abcdef0123456789abcdef")]
    [InlineData(3, "There is no run", "cancel", "run-0123456789abcdef0123456789abcdef")]
    [InlineData(3, "There is no run", "retry", "run-0123456789abcdef0123456789abcdef")]
    [InlineData(3, "--max-repairs is 21", "run", "--repo", ".", "--command", "true", "--max-repairs", "21")]
    [InlineData(3, "nothing", "run", "--repo", ".", "--command", "true", "--template", "nothing")]
    public async Task What_cannot_be_is_said(int code, string words, params string[] arguments)
    {
        var ran = await Cogo.RunAsync(["workflow", .. arguments]);

        Assert.True(ran.Code == code, ran.ToString());
        Assert.Contains(words, ran.Error + ran.Output, StringComparison.Ordinal);
    }
}
