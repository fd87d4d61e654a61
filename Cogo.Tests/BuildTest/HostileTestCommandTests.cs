using Cogo.Core.Pipeline;
using Cogo.Core.Processes;
using Cogo.Workers.BuildTest;
using Xunit;

namespace Cogo.Tests.BuildTest;

/// <summary>Test commands that hang, flood, grow, fork or die. Whatever they do, there is a verdict and nothing stays.</summary>
public sealed class HostileTestCommandTests : IDisposable
{
    private readonly BuildTestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private async Task<StageReport> FailsAsync(string failureClass, string script, ProcessLimits limits)
    {
        _folder.Limits = limits;
        var report = await _folder.WithTest(script).RunAsync();

        Assert.Equal((Verdict.Failed, failureClass), (report.Verdict, report.FailureClass));
        Assert.DoesNotContain(ProcessTable.Read(), row => !row.Zombie && WorkingDirectory(row.Id) == _folder.Copy);
        var stage = Assert.Single(report.Stages);
        Assert.Null(stage.Exit);
        Assert.Contains("test stage", report.Message, StringComparison.Ordinal);
        return stage;
    }

    [Fact]
    public async Task A_hang_is_ended_by_the_wall_clock()
    {
        var stage = await FailsAsync(FailureClass.Timeout, "while :; do echo tick; sleep 0.05; done", new() { WallClock = TimeSpan.FromSeconds(1) });

        Assert.True(stage.TimedOut);
        Assert.Equal(StopReason.WallClock, stage.StopReason);
        Assert.Contains("tick", _folder.Log("test"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silence_is_ended_by_its_own_limit() =>
        Assert.True((await FailsAsync(FailureClass.NoOutput, "sleep 1000", new() { NoOutput = TimeSpan.FromSeconds(1), WallClock = TimeSpan.FromSeconds(60) })).TimedOut);

    [Fact]
    public async Task Printing_without_end_is_cut_and_the_log_stays_small()
    {
        var stage = await FailsAsync(FailureClass.Output, "yes 'all tests passed'", new() { OutputBytes = 1 << 20, WallClock = TimeSpan.FromSeconds(60) });

        Assert.True(stage.Truncated);
        Assert.InRange(new FileInfo(Path.Combine(_folder.Results, "test.log")).Length, 1 << 19, 1 << 20);
    }

    [Fact]
    public async Task Eating_memory_is_ended()
    {
        var stage = await FailsAsync(
            FailureClass.Memory,
            "exec node -e 'const kept=[]; setInterval(() => { if (kept.length < 40) kept.push(Buffer.alloc(8 << 20, 1)); }, 10)'",
            new() { MemoryBytes = 150 << 20, WallClock = TimeSpan.FromSeconds(60) });

        Assert.True(stage.Oom);
        Assert.True(stage.PeakMem > 150 << 20);
    }

    [Fact]
    public async Task Forking_for_ever_is_ended()
    {
        // 2^6 sleepers at most, so that a failing test leaves the machine usable.
        var stage = await FailsAsync(
            FailureClass.Processes,
            "bomb() { [ $1 -eq 0 ] && exec sleep 1000; (bomb $(($1 - 1))) & (bomb $(($1 - 1))) & }; bomb 6; exec sleep 1000",
            new() { Processes = 20, WallClock = TimeSpan.FromSeconds(60) });

        Assert.Equal(StopReason.Processes, stage.StopReason);
    }

    [Fact]
    public async Task A_stage_that_dies_by_a_signal_has_crashed()
    {
        var stage = await FailsAsync(FailureClass.Crashed, "kill -SEGV $$", new());

        Assert.Equal("SIGSEGV", stage.Signal);
    }

    [Fact]
    public async Task What_a_project_asks_for_can_only_tighten_the_limits()
    {
        _folder.Limits = new() { WallClock = TimeSpan.FromSeconds(1) };
        var lax = await _folder.With("cogo.json", """{ "test": "sleep 1000", "limits": { "wall_clock_seconds": 1000 } }""").RunAsync();
        Assert.Equal(FailureClass.Timeout, lax.FailureClass);

        _folder.Limits = new() { WallClock = TimeSpan.FromSeconds(60) };
        var tight = await _folder.With("cogo.json", """{ "test": "sleep 1000", "limits": { "wall_clock_seconds": 0.5 } }""").RunAsync();
        Assert.Equal(FailureClass.Timeout, tight.FailureClass);
        Assert.Contains("0.5 s", tight.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_is_no_verdict()
    {
        using var cancellation = new CancellationTokenSource();
        var run = _folder.WithTest("echo $$ > started; sleep 1000").RunAsync(cancellation.Token);
        await Fixtures.Eventually.BecomesTrueAsync(() => File.Exists(Path.Combine(_folder.Copy, "started")), "the test stage to start");
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Equal(["test.log"], Directory.EnumerateFileSystemEntries(_folder.Results).Select(path => Path.GetFileName(path)));
    }

    [Fact]
    public async Task Stages_do_not_see_our_secrets()
    {
        const string name = "ConnectionStrings__cogo_build_test";
        Environment.SetEnvironmentVariable(name, "s3cret");
        try
        {
            await _folder.WithTest("env").RunAsync();

            Assert.DoesNotContain("s3cret", _folder.Log("test"), StringComparison.Ordinal);
            Assert.Contains("COGO_RESULTS=", _folder.Log("test"), StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable(name, null);
        }
    }

    private static string? WorkingDirectory(int id)
    {
        try
        {
            return new FileInfo($"/proc/{id}/cwd").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
