using System.Diagnostics;
using Cogo.Core.Pipeline;
using Cogo.Core.Processes;
using Cogo.Tests.Fixtures;
using Cogo.Workers.BuildTest;
using Cogo.Workers.BuildTest.Reports;
using Xunit;

namespace Cogo.Tests.BuildTest;

/// <summary>The samples as a user would run them: a copy, a patch, and a real build and test.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly BuildTestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("csharp", "cogo.json", "restore build test", 7)]
    [InlineData("node", "node", "test", 4)]
    [InlineData("shell", "cogo.json", "build test", 6)]
    public async Task A_good_patch_passes(string sample, string project, string stages, int tests)
    {
        await PrepareAsync(sample, "good.patch");
        var clock = Stopwatch.StartNew();
        var report = await _folder.RunAsync();

        Assert.True(report.Verdict == Verdict.Passed, report.Message);
        Assert.Equal((project, stages), (report.Project, string.Join(' ', report.Stages.Select(stage => stage.Name))));
        Assert.Equal((tests, tests, 0), (report.Tests.Total, report.Tests.Passed, report.Tests.Failed + report.Tests.Errored + report.Tests.Skipped));
        Assert.Null(report.FailureClass);
        Assert.All(report.Gate.Rules, rule => Assert.True(rule.Pass, rule.Name));
        Assert.Contains(report.Artifacts, artifact => artifact.Path == "test.log" && artifact.Bytes > 0);
        Assert.Contains(report.Artifacts, artifact => artifact.Path.StartsWith("reports/001-", StringComparison.Ordinal));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), clock.Elapsed.ToString());
    }

    [Theory]
    [InlineData("csharp", "bad.patch", "No_cent_is_lost", "tests/Invoicing.Tests/SplitTests.cs", "Check.Equal(\"34 33 33\"|Check.Equal(\"3 3 2 2\"")]
    [InlineData("node", "bad.patch", "adds several units up", "test/duration.test.js", "parseDuration('1h30m')")]
    [InlineData("node", null, "adds several units up", "test/duration.test.js", "parseDuration('1h30m')")]
    [InlineData("shell", "bad.patch", "1.2.3 < 1.3.0", "tests/semver.sh", "check 1.2.3 1.3.0")]
    [InlineData("shell", null, "1.9.0 < 1.10.0", "tests/semver.sh", "check 1.9.0 1.10.0")]
    public async Task Without_the_right_patch_the_failing_test_is_named_with_file_and_line(string sample, string? patch, string test, string file, string lines)
    {
        await PrepareAsync(sample, patch);
        var report = await _folder.RunAsync();

        Assert.Equal((Verdict.Failed, FailureClass.TestsFailed), (report.Verdict, report.FailureClass));
        var failing = report.Tests.Cases[0];
        Assert.Equal((test, TestOutcome.Failed, file), (failing.Name, failing.Outcome, failing.File));
        var line = (await File.ReadAllLinesAsync(Path.Combine(_folder.Copy, file)))[failing.Line!.Value - 1];
        Assert.Contains(lines.Split('|'), expected => line.Contains(expected, StringComparison.Ordinal));
        Assert.Contains($"{file}:{failing.Line}", report.Message, StringComparison.Ordinal);
        Assert.NotNull(failing.Message);
    }

    private async Task PrepareAsync(string sample, string? patch)
    {
        var source = Repository.PathOf("samples/" + sample);
        foreach (var path in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(source, path);
            if (relative.Split('/').Intersect(["bin", "obj", "results"], StringComparer.Ordinal).Any())
                continue;
            var target = Path.Combine(_folder.Copy, relative);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }

        if (patch is null)
            return;
        var applied = await ProcessTree.RunAsync(
            new ProcessSpec { FileName = "git", Arguments = ["apply", patch], WorkingDirectory = _folder.Copy }, null, CancellationToken.None);
        Assert.True(applied.Succeeded, applied.StandardErrorTail);
    }
}
