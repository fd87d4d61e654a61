using System.Runtime.Versioning;
using Cogo.Core.Processes;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.EndToEnd;

[UnsupportedOSPlatform("windows")]
public sealed class CrashTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_task_whose_process_is_killed_in_the_middle_of_a_build_finishes_by_itself_once()
    {
        var project = new SlowProject(_folder.Path);
        var before = project.Repository.Fingerprint();
        string traceId;
        await using (var first = await CogoProcess.StartAsync(_folder.Path))
        {
            using var client = new PipelineClient(first.Address);
            traceId = await client.SubmitAsync(new { repo = project.Repository.Folder, engine = "patch", patch = SlowProject.Patch });
            await Eventually.BecomesTrueAsync(() => project.Started == 1, "the test run", 60);

            await first.KillAsync();
        }

        await Eventually.BecomesTrueAsync(() => LivingBelow(_folder.Path).Count == 0, "the end of Postgres and of the build");
        project.Go();
        await using var second = await CogoProcess.StartAsync(_folder.Path);
        using var again = new PipelineClient(second.Address);
        var trace = await again.VerdictAsync(traceId);

        Assert.Equal("passed", trace.GetProperty("verdict").GetString());
        Assert.Equal(["execute_enqueued", "execute_done", "codegen_done", "buildtest_retry", "buildtest_done"], PipelineClient.Steps(trace));
        Assert.Equal(2, project.Started);
        Assert.Equal(2, PipelineClient.Events(trace).Last().GetProperty("attempt").GetInt32());
        Assert.Equal(before, project.Repository.Fingerprint());
    }

    [Fact]
    public async Task A_task_that_runs_when_cogo_is_stopped_is_handed_back_and_finishes_at_the_next_start()
    {
        var project = new SlowProject(_folder.Path);
        string traceId;
        await using (var first = await CogoProcess.StartAsync(_folder.Path))
        {
            using var client = new PipelineClient(first.Address);
            traceId = await client.SubmitAsync(new { repo = project.Repository.Folder, engine = "patch", patch = SlowProject.Patch });
            await Eventually.BecomesTrueAsync(() => project.Started == 1, "the test run", 60);
        }

        Assert.Empty(LivingBelow(_folder.Path));
        project.Go();
        await using var second = await CogoProcess.StartAsync(_folder.Path);
        using var again = new PipelineClient(second.Address);
        var trace = await again.VerdictAsync(traceId);

        Assert.Equal("passed", trace.GetProperty("verdict").GetString());
        Assert.Equal(["execute_enqueued", "execute_done", "codegen_done", "buildtest_done"], PipelineClient.Steps(trace));
        Assert.Equal(1, PipelineClient.Events(trace).Last().GetProperty("attempt").GetInt32());
    }

    /// <summary>Processes that work in a folder: Postgres and builds do, in parts of it.</summary>
    private static List<string> LivingBelow(string folder) =>
        [.. ProcessTable.Read().Where(row => !row.Zombie).Select(row => $"{row.Id} in {WorkingDirectory(row.Id)}").Where(text => text.Contains($"in {folder}", StringComparison.Ordinal))];

    private static string WorkingDirectory(int id)
    {
        try
        {
            return new FileInfo($"/proc/{id}/cwd").LinkTarget ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
