using System.Security.Cryptography;
using Cogo.Core.Artifacts;
using Cogo.Core.Processes;
using Cogo.Core.Workspaces;
using Cogo.Workers.BuildTest.Projects;
using Cogo.Workers.BuildTest.Reports;
using Cogo.Workers.BuildTest.Stages;
using Cogo.Workers.BuildTest.Tools;

namespace Cogo.Workers.BuildTest;

/// <summary>
/// Builds and tests a working copy: finds out what it is, runs restore, build and test one after the other until one
/// fails, reads the reports and gives the verdict. See <c>docs/build-test.md</c>.
/// </summary>
public sealed partial class BuildTestRunner(ILogger<BuildTestRunner> logger)
{
    private const string KeptReports = "reports";
    private const string Incoming = ".incoming";
    private const string Tools = ".tools";
    private static readonly string[] _stages = [PlannedStage.Restore, PlannedStage.Build, PlannedStage.Lint, PlannedStage.Test];

    /// <summary>
    /// Whatever goes wrong with the change, the project or the machine is told by the report. The results folder
    /// holds a log for each stage and the test reports afterwards, and everything that was started is gone.
    /// </summary>
    /// <param name="onProgress">Called in order, on no particular thread.</param>
    /// <exception cref="DirectoryNotFoundException">There is no working copy.</exception>
    /// <exception cref="ArgumentException">The results folder lies inside the working copy.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; every process is gone.</exception>
    public async Task<BuildTestReport> RunAsync(BuildTestInput input, Action<BuildTestProgress>? onProgress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(input);
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(input.Folder));
        var results = Path.TrimEndingDirectorySeparator(Path.GetFullPath(input.ResultsFolder));
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no working copy at {folder} to build and test.");
        if ((results + "/").StartsWith(folder + "/", StringComparison.Ordinal))
            throw new ArgumentException($"The results folder {results} lies in the working copy {folder}: choose one outside, so that the change cannot bring its own results.", nameof(input));

        var project = new ProjectFolder(folder, Path.Combine(results, Incoming), Path.Combine(results, Tools));
        BuildTestReport report;
        try
        {
            try
            {
                Prepare(project, results);
                report = await RunAsync(input, project, results, onProgress, ct);
            }
            finally
            {
                RemoveOwn(results, Incoming, Tools);
            }

            report = report with { Artifacts = await ArtifactsAsync(results, ct) };
        }
        catch (IOException e) when (MachineState.IsDiskFull(e))
        {
            report = Report(input, null, [], CollectedReports.None, Failure.OfMachine(FailureClass.DiskFull, $"The disk of {results} is full: free some space and run the task again."));
        }

        LogVerdict(logger, input.TaskId, report.Verdict, report.FailureClass is null ? "" : $" ({report.FailureClass})", report.Tests.Passed, report.Tests.Total);
        return report;
    }

    private async Task<BuildTestReport> RunAsync(BuildTestInput input, ProjectFolder folder, string results, Action<BuildTestProgress>? onProgress, CancellationToken ct)
    {
        var (plan, problem) = ProjectDetector.Detect(folder);
        if (plan is null)
            return Report(input, null, [], CollectedReports.None, new Failure(problem!.Class, Verdict.Invalid, problem.Message));

        plan = plan with { Stages = Stages(plan, input, folder) };
        var runner = new StageRunner(folder, results, input.TemporaryFolder, Tightest(input.Limits, plan.Limits));
        List<StageReport> stages = [];
        var reports = CollectedReports.None;
        Failure? failure = null;
        Failure? lint = null;
        foreach (var stage in plan.Stages)
        {
            var collector = stage.Name == PlannedStage.Test ? new ReportCollector(folder, plan) : null;
            LogStarted(logger, input.TaskId, stage.Name, stage.Command);
            onProgress?.Invoke(new BuildTestProgress(stage.Name, StageState.Started));
            var outcome = await runner.RunAsync(stage, ct);
            if (outcome.Report is { } ended)
                stages.Add(ended);
            onProgress?.Invoke(new BuildTestProgress(stage.Name, StageState.Ended, outcome.Report?.Exit, TimeSpan.FromSeconds(outcome.Report?.Duration ?? 0)));
            if (collector is not null && outcome.Report is not null)
                reports = collector.Collect(Path.Combine(results, KeptReports));
            if (stage.Name == PlannedStage.Lint)
            {
                lint = outcome.Failure;
                continue;
            }

            failure = outcome.Failure;
            if (failure is not null)
                break;
        }

        return Report(input, plan, stages, reports, failure ?? lint);
    }

    /// <summary>The plan's stages with what the input wants otherwise.</summary>
    private static List<PlannedStage> Stages(ProjectPlan plan, BuildTestInput input, ProjectFolder folder)
    {
        List<PlannedStage> stages = [.. plan.Stages];
        if (input.BuildCommand is { } command)
        {
            stages.RemoveAll(stage => stage.Name == PlannedStage.Build);
            stages.Insert(stages.FindIndex(stage => stage.Name == PlannedStage.Test), PlannedStage.Shell(PlannedStage.Build, command));
        }

        if (input.Lint && Linters.Detect(plan, folder) is { } lint)
            stages.Insert(stages.FindIndex(stage => stage.Name == PlannedStage.Test), lint);
        return stages;
    }

    private static BuildTestReport Report(BuildTestInput input, ProjectPlan? plan, List<StageReport> stages, CollectedReports reports, Failure? failure)
    {
        var tests = TestSummary.Of(reports.Cases);
        var gate = new GateReport([], failure?.Verdict ?? Verdict.Passed);
        if (plan is not null)
            (gate, failure) = Gate.Judge(plan, stages, failure, reports, tests);
        return new BuildTestReport
        {
            TaskId = input.TaskId,
            TraceId = input.TraceId,
            AttemptId = input.AttemptId,
            BaseCommit = input.Change?.BaseCommit,
            PatchSha256 = input.Change?.Sha256,
            Engine = input.Change?.Engine,
            Model = input.Change?.Model,
            Tokens = input.Change is { InputTokens: null, OutputTokens: null } or null ? null : new TokenCount(input.Change.InputTokens, input.Change.OutputTokens),
            Cost = input.Change?.CostUsd,
            Project = plan?.Kind,
            Stages = stages,
            Tests = tests,
            Coverage = reports.Coverage,
            FailureClass = failure?.Class,
            Message = failure?.Message,
            Gate = gate,
            Verdict = gate.Verdict,
        };
    }

    /// <summary>A former attempt may have left its results here.</summary>
    private static void Prepare(ProjectFolder folder, string results)
    {
        Directory.CreateDirectory(results);
        RemoveOwn(results, Incoming, Tools, KeptReports);
        foreach (var name in _stages)
            File.Delete(Path.Combine(results, name + ".log"));
        Directory.CreateDirectory(folder.Reports);
        BundledTools.WriteTo(folder.Tools);
    }

    private static void RemoveOwn(string results, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            FolderRemoval.Delete(Path.Combine(results, name));
    }

    /// <summary>The logs and the reports that we wrote. The test can write here too: its files and links are left out.</summary>
    private static async Task<IReadOnlyList<Artifact>> ArtifactsAsync(string results, CancellationToken ct)
    {
        List<Artifact> artifacts = [];
        var kept = Path.Combine(results, KeptReports);
        var reports = Directory.Exists(kept) ? Directory.EnumerateFiles(kept).Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
        foreach (var path in reports.Concat(_stages.Select(stage => Path.Combine(results, stage + ".log"))))
        {
            if (new FileInfo(path) is not { Exists: true, LinkTarget: null })
                continue;
            await using var stream = File.OpenRead(path);
            artifacts.Add(new Artifact(Path.GetRelativePath(results, path), stream.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, ct))));
        }

        return artifacts;
    }

    private static ProcessLimits Tightest(ProcessLimits ours, ProcessLimits theirs)
    {
        static T? Min<T>(T? one, T? other)
            where T : struct, IComparable<T> => one is null || other?.CompareTo(one.Value) < 0 ? other : one;
        return new ProcessLimits
        {
            WallClock = Min(ours.WallClock, theirs.WallClock),
            NoOutput = Min(ours.NoOutput, theirs.NoOutput),
            MemoryBytes = Min(ours.MemoryBytes, theirs.MemoryBytes),
            OutputBytes = Min(ours.OutputBytes, theirs.OutputBytes),
            Processes = Min(ours.Processes, theirs.Processes),
        };
    }

    [LoggerMessage(3201, LogLevel.Information, "Task {TaskId}: stage {Stage} starts: {Command}")]
    private static partial void LogStarted(ILogger logger, string taskId, string stage, string command);

    [LoggerMessage(3202, LogLevel.Information, "Task {TaskId}: {Verdict}{FailureClass}, {Passed} of {Total} tests passed")]
    private static partial void LogVerdict(ILogger logger, string taskId, Verdict verdict, string failureClass, int passed, int total);
}
