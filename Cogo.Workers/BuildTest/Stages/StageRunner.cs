using System.ComponentModel;
using Cogo.Core.Processes;
using Cogo.Workers.BuildTest.Projects;

namespace Cogo.Workers.BuildTest.Stages;

/// <summary>What came of one stage.</summary>
/// <param name="Report">Null when the command did not start.</param>
/// <param name="Failure">
/// Null when it succeeded. A test stage that failed because tests failed is told apart by its reports later.
/// </param>
internal sealed record StageOutcome(StageReport? Report, Failure? Failure);

/// <summary>Runs stages in the working copy, in an environment without our secrets, and writes their logs.</summary>
internal sealed class StageRunner(ProjectFolder folder, string resultsFolder, string? temporaryFolder, ProcessLimits limits)
{
    public async Task<StageOutcome> RunAsync(PlannedStage stage, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string?>(DotnetProject.Environment, StringComparer.Ordinal)
        {
            ["CI"] = "true",
            ["COGO_RESULTS"] = folder.Reports,
            ["COGO_TOOLS"] = folder.Tools,
        };
        if (temporaryFolder is not null)
        {
            environment["TMPDIR"] = temporaryFolder;
            // NuGet keeps its locks among temporary files: builds that share packages must share these.
            environment["NUGET_SCRATCH"] = Path.Combine(Path.GetTempPath(), "NuGetScratch" + Environment.UserName);
        }

        foreach (var (name, value) in stage.Environment)
            environment[name] = value;
        var spec = new ProcessSpec
        {
            FileName = stage.FileName,
            Arguments = stage.Arguments,
            WorkingDirectory = folder.Folder,
            CleanEnvironment = true,
            Environment = environment,
            Limits = limits,
        };

        var logName = stage.Name + ".log";
        var killsBefore = MachineState.OutOfMemoryKills();
        ProcessResult result;
        try
        {
            using var log = new StageLog(
                Path.Combine(resultsFolder, logName), stage.OutputReport is null ? null : Path.Combine(folder.Reports, stage.OutputReport));
            result = await ProcessTree.RunAsync(spec, log.Write, cancellationToken);
        }
        catch (CommandNotFoundException e)
        {
            return new StageOutcome(null, Failure.OfMachine(FailureClass.ToolchainMissing, $"The {stage.Name} stage needs '{stage.FileName}': {e.Message}"));
        }
        catch (Exception e) when (MachineState.IsDiskFull(e))
        {
            return new StageOutcome(null, Failure.OfMachine(FailureClass.DiskFull, $"The disk of {resultsFolder} is full, so the log of the {stage.Name} stage could not be written: free some space and run the task again."));
        }
        catch (Exception e) when (e is Win32Exception or PlatformNotSupportedException)
        {
            return new StageOutcome(null, Failure.OfMachine(FailureClass.CannotStart, $"'{stage.Command}' could not be started: {e.Message}"));
        }

        // Who cancelled wants no report: the task goes back to the bus.
        cancellationToken.ThrowIfCancellationRequested();
        var report = new StageReport
        {
            Name = stage.Name,
            Command = stage.Command,
            Exit = result.ExitCode,
            Signal = result.Signal,
            Start = result.StartedAt,
            Duration = Math.Round(result.Duration.TotalSeconds, 3),
            Oom = result.StopReason == StopReason.Memory,
            TimedOut = result.StopReason is StopReason.WallClock or StopReason.NoOutput,
            Truncated = result.StopReason == StopReason.Output,
            PeakMem = result.PeakMemoryBytes,
            OutputBytes = result.OutputBytes,
            StopReason = result.StopReason,
            Log = logName,
        };
        string[] disks = [folder.Folder, resultsFolder, temporaryFolder ?? Path.GetTempPath()];
        var failure = result.Succeeded ? null : StageFailure.Of(stage, result, limits, MachineState.OutOfMemoryKills() - killsBefore, disks);
        return new StageOutcome(report, failure);
    }
}
