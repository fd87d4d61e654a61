using Cogo.Core.Pipeline;
using Cogo.Workers.BuildTest;
using Cogo.Workers.BuildTest.Reports;
using Xunit;

namespace Cogo.Tests.BuildTest;

/// <summary>Only reports are believed, and only where the exit code agrees.</summary>
public sealed class VerdictTests : IDisposable
{
    private const string Green = """<testsuite><testcase name="a"/><testcase name="b"/></testsuite>""";
    private const string Red = """<testsuite><testcase name="a"/><testcase name="b"><failure message="no"/></testcase></testsuite>""";
    private readonly BuildTestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Writes(string xml, int exit, string name = "a.xml") => $"cat >\"$COGO_RESULTS/{name}\" <<'E'\n{xml}\nE\nexit {exit}";

    private async Task<BuildTestReport> IsAsync(Verdict verdict, string? failureClass, string script)
    {
        var report = await _folder.WithTest(script).RunAsync();

        Assert.Equal((verdict, failureClass), (report.Verdict, report.FailureClass));
        Assert.Equal(verdict, report.Gate.Verdict);
        return report;
    }

    [Fact]
    public async Task Exit_0_and_green_results_pass()
    {
        var report = await IsAsync(Verdict.Passed, null, Writes(Green, 0));

        Assert.Equal(2, report.Tests.Passed);
        Assert.Equal(
            [("test", StageState.Started, (int?)null), ("test", StageState.Ended, 0)],
            _folder.Progress.Select(progress => (progress.Stage, progress.State, progress.Exit)));
        Assert.Equal(["reports/001-a.xml", "test.log"], report.Artifacts.Select(artifact => artifact.Path));
        Assert.Equal(["reports", "test.log"], Directory.EnumerateFileSystemEntries(_folder.Results).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Exit_0_without_a_test_is_not_green() =>
        Assert.Contains("cogo.json", (await IsAsync(Verdict.Failed, FailureClass.ReportMissing, "exit 0")).Message, StringComparison.Ordinal);

    [Fact]
    public Task A_report_without_a_test_is_not_green() => IsAsync(Verdict.Failed, FailureClass.NoTests, Writes("<testsuites/>", 0));

    [Fact]
    public Task Skipped_tests_alone_are_not_green() =>
        IsAsync(Verdict.Failed, FailureClass.AllSkipped, Writes("""<testsuite><testcase name="a"><skipped/></testcase></testsuite>""", 0));

    [Fact]
    public async Task Words_that_all_tests_passed_count_for_nothing()
    {
        const string words = "echo '2 passed, 0 failed'; echo 'all tests passed'; echo 'ok 1'; echo '1..1'; ";
        await IsAsync(Verdict.Failed, FailureClass.ReportMissing, words + "exit 0");
        await IsAsync(Verdict.Failed, FailureClass.TestsFailed, words + Writes(Red, 1));
    }

    [Fact]
    public async Task Exit_code_and_results_must_agree()
    {
        await IsAsync(Verdict.Failed, FailureClass.ResultsDisagree, Writes(Red, 0));
        var report = await IsAsync(Verdict.Failed, FailureClass.ExitCode, "echo 'lint: two problems' >&2\n" + Writes(Green, 3));

        Assert.Contains("lint: two problems", report.Message, StringComparison.Ordinal);
        Assert.False(Assert.Single(report.Gate.Rules, rule => rule.Name == "exit_agrees_with_results").Pass);
    }

    [Theory]
    [InlineData("<testsuite><testcase name=\"a\"/>", "a.xml")]
    [InlineData("", "a.xml")]
    [InlineData("{\"Action\":\"pass\"", "go-test.json")]
    [InlineData("ok 1 - a", "a.tap")]
    [InlineData("<TestRun><Results/></TestRun>", "a.trx")]
    public async Task A_malformed_report_is_an_error_even_beside_a_good_one(string text, string name)
    {
        var report = await IsAsync(Verdict.Failed, FailureClass.ReportMalformed, Writes(Green, 0, "good.xml").Replace("exit 0", "", StringComparison.Ordinal) + $"printf %s '{text}' >\"$COGO_RESULTS/{name}\"");

        Assert.Contains(name, report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_came_with_the_repository_is_no_evidence()
    {
        _folder.With("out/junit.xml", Green).With("cogo.json", """{ "test": "true", "reports": [{ "path": "out/*.xml" }] }""");
        Assert.Equal(FailureClass.ReportMissing, (await _folder.RunAsync()).FailureClass);

        _folder.With("cogo.json", """{ "test": "cp out/junit.xml out/fresh.xml", "reports": [{ "path": "out/*.xml" }] }""");
        var fresh = await _folder.RunAsync();
        Assert.Equal((Verdict.Passed, 2), (fresh.Verdict, fresh.Tests.Total));
    }

    [Fact]
    public async Task A_link_or_a_pipe_is_no_report()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.Root, "elsewhere.xml"), Green);
        await IsAsync(Verdict.Failed, FailureClass.ReportMissing, $"ln -s '{_folder.Root}/elsewhere.xml' \"$COGO_RESULTS/a.xml\"; ln -s / \"$COGO_RESULTS/root\"");
        await IsAsync(Verdict.Failed, FailureClass.ReportMalformed, "mkfifo \"$COGO_RESULTS/a.xml\"");
    }

    [Fact]
    public async Task A_test_that_meddles_with_the_results_folder_gains_nothing()
    {
        await IsAsync(Verdict.Failed, FailureClass.ReportMissing, "rm -rf \"$COGO_RESULTS\"");
        await IsAsync(Verdict.Failed, FailureClass.ReportMissing, "rm -rf \"$COGO_RESULTS\"; ln -s / \"$COGO_RESULTS\"");

        const string meddling = "cd \"$COGO_RESULTS/..\"; mkdir -p reports; echo x >'reports/odd name.xml'; ln -s /etc/passwd build.log; echo x >'odd name.log'\n";
        var report = await IsAsync(Verdict.Passed, null, meddling + Writes(Green, 0));
        Assert.Equal(["reports/001-a.xml", "test.log"], report.Artifacts.Select(artifact => artifact.Path));
    }

    [Fact]
    public async Task A_stage_that_fails_is_the_last_one()
    {
        _folder.With("cogo.json", """{ "restore": "echo one", "build": "echo 'a.c:3: error' >&2; exit 4", "test": "touch tested" }""");
        var report = await _folder.RunAsync();

        Assert.Equal((Verdict.Failed, FailureClass.BuildFailed), (report.Verdict, report.FailureClass));
        Assert.Equal([("restore", 0), ("build", 4)], report.Stages.Select(stage => (stage.Name, stage.Exit!.Value)));
        Assert.Equal("did not run", report.Gate.Rules[2].Actual);
        Assert.Contains("a.c:3: error", report.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder.Copy, "tested")));
    }

    [Theory]
    [InlineData("npm error code EAI_AGAIN", FailureClass.Network, Verdict.Infrastructure)]
    [InlineData("error NU1301: Unable to load the service index for source", FailureClass.Network, Verdict.Infrastructure)]
    [InlineData("go: dial tcp: lookup proxy: i/o timeout", FailureClass.Network, Verdict.Infrastructure)]
    [InlineData("npm error code E404", FailureClass.RestoreFailed, Verdict.Failed)]
    [InlineData("error NU1101: Unable to find package Nowhere", FailureClass.RestoreFailed, Verdict.Failed)]
    [InlineData("No space left on device", FailureClass.Ambiguous, Verdict.Infrastructure)]
    public async Task A_restore_without_network_is_the_machines_fault_and_a_wrong_package_the_changes(string words, string failureClass, Verdict verdict)
    {
        _folder.With("words", words).With("cogo.json", """{ "restore": "cat words >&2; exit 1", "test": "true" }""");
        var report = await _folder.RunAsync();

        Assert.Equal((verdict, failureClass), (report.Verdict, report.FailureClass));
        Assert.Contains(words, report.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("connect ECONNREFUSED 127.0.0.1:5432")]
    [InlineData("No space left on device")]
    public Task A_test_cannot_blame_the_machine_with_words(string words) =>
        IsAsync(Verdict.Failed, FailureClass.ReportMissing, $"echo '{words}' >&2; exit 1");

    [Fact]
    public async Task A_full_disk_is_the_machines_fault()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Needs root to mount a small file system.");
        var disk = Path.Combine(_folder.Root, "disk");
        Directory.CreateDirectory(disk);
        var report = await new SmallDisk(disk).UseAsync(async () =>
        {
            _folder.With("cogo.json", $$"""{ "build": "head -c 9000000 /dev/zero >'{{_folder.Results}}/full'", "test": "true" }""");
            Directory.CreateSymbolicLink(_folder.Results, disk);
            return await _folder.RunAsync();
        });
        Assert.SkipWhen(report is null, "Mounting is not allowed here.");

        Assert.Equal((Verdict.Infrastructure, FailureClass.DiskFull), (report.Verdict, report.FailureClass));
    }

    [Fact]
    public async Task A_missing_command_is_the_machines_fault()
    {
        var report = await _folder.With("cogo.json", """{ "test": "no-such-tool --verify" }""").RunAsync();
        Assert.Equal((Verdict.Infrastructure, FailureClass.ToolchainMissing), (report.Verdict, report.FailureClass));
        Assert.Contains("no-such-tool", report.Message, StringComparison.Ordinal);

        // Called by the project's own script it is the project's mistake.
        await IsAsync(Verdict.Failed, FailureClass.ReportMissing, "no-such-tool --verify");
    }

    [Fact]
    public async Task A_results_folder_inside_the_working_copy_is_refused()
    {
        var input = new BuildTestInput { Folder = _folder.Copy, ResultsFolder = Path.Combine(_folder.Copy, "out"), TaskId = "t", TraceId = "t", AttemptId = "1" };
        var runner = new BuildTestRunner(Microsoft.Extensions.Logging.Abstractions.NullLogger<BuildTestRunner>.Instance);

        await Assert.ThrowsAsync<ArgumentException>(() => runner.RunAsync(input, null, CancellationToken.None));
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => runner.RunAsync(input with { Folder = _folder.Copy + "/none" }, null, CancellationToken.None));
    }

    [Fact]
    public async Task The_schema_refuses_a_report_that_contradicts_itself()
    {
        var report = await IsAsync(Verdict.Passed, null, Writes(Green, 0));
        string Json(BuildTestReport changed) => System.Text.Json.JsonSerializer.Serialize(changed, Core.CogoJson.Options);
        var errors = await ReportSchema.ErrorsAsync(
            "configs/report.schema.json",
            Json(report),
            Json(report with { Verdict = Verdict.Failed }),
            Json(report with { FailureClass = "bad_luck" }),
            Json(report with { Tests = report.Tests with { Errored = 1 } }));

        Assert.Equal("", errors[0]);
        Assert.All(errors.Skip(1), error => Assert.NotEqual("", error));
    }

    [Fact]
    public void Failing_tests_come_first_and_the_rest_is_counted()
    {
        var cases = Enumerable.Range(0, TestSummary.MaxCases + 10).Select(i => new TestCase { Name = $"t{i}", Outcome = i == 5005 ? TestOutcome.Failed : TestOutcome.Passed }).ToList();
        var summary = TestSummary.Of(cases);

        Assert.Equal(("t5005", 10, 5010, TestSummary.MaxCases), (summary.Cases[0].Name, summary.CasesOmitted, summary.Total, summary.Cases.Count));
    }
}
