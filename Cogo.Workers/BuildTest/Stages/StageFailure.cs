using System.Text.RegularExpressions;
using Cogo.Core.Processes;
using Cogo.Workers.BuildTest.Projects;

namespace Cogo.Workers.BuildTest.Stages;

/// <summary>
/// Tells a failure of the machine from one of the change. Words are evidence in the restore stage only, where the
/// package manager speaks; a build or a test can print whatever it likes, and its failure stays the change's own
/// unless the machine itself shows the cause.
/// </summary>
internal static partial class StageFailure
{
    private const int MaxTailLines = 12;
    private const int MaxTailLength = 2000;

    public static Failure Of(PlannedStage stage, ProcessResult result, ProcessLimits limits, long outOfMemoryKills, IReadOnlyList<string> disks)
    {
        if (OfLimit(stage, result, limits) is { } limit)
            return limit;
        if (MachineState.FullDisk(disks) is { } full)
            return Failure.OfMachine(FailureClass.DiskFull, $"The {stage.Name} stage failed and the disk of {full} is full: free some space and run the task again.");
        if (result.Signal is not null)
            return OfSignal(stage, result, outOfMemoryKills);

        var tail = Tail(result);
        if (stage.MissingTool is { } missing && result.ExitCode == missing.ExitCode)
            return Failure.OfMachine(FailureClass.ToolchainMissing, $"The {stage.Name} stage ('{stage.Command}') found its toolchain missing. {missing.Advice}\n{tail}");
        if (result.ExitCode == 127 && IsMissing(stage, tail))
            return Failure.OfMachine(FailureClass.ToolchainMissing, $"The {stage.Name} stage needs '{FirstWord(stage.Command)}', which is not on this machine: install it, or correct the command.\n{tail}");
        if (stage.Name == PlannedStage.Restore && Network().IsMatch(tail))
            return Failure.OfMachine(FailureClass.Network, $"The restore stage could not reach its package source: check the network and the proxy settings, then run the task again.\n{tail}");
        if (stage.Name != PlannedStage.Test && DiskWords().IsMatch(tail))
            return Failure.OfMachine(FailureClass.Ambiguous, $"The {stage.Name} stage says that a disk was full, and now it is not: run the task again.\n{tail}");

        return stage.Name switch
        {
            PlannedStage.Restore => Failure.OfChange(FailureClass.RestoreFailed, $"Restore failed: '{stage.Command}' exited with {result.ExitCode}.\n{tail}"),
            PlannedStage.Build => Failure.OfChange(FailureClass.BuildFailed, $"The build failed: '{stage.Command}' exited with {result.ExitCode}.\n{tail}"),
            PlannedStage.Lint => Failure.OfChange(FailureClass.LintFailed, $"The linter found something: '{stage.Command}' exited with {result.ExitCode}.\n{tail}"),
            _ => Failure.OfChange(FailureClass.ExitCode, $"The test command '{stage.Command}' exited with {result.ExitCode}.\n{tail}"),
        };
    }

    private static Failure? OfLimit(PlannedStage stage, ProcessResult result, ProcessLimits limits)
    {
        var (failureClass, what) = result.StopReason switch
        {
            StopReason.WallClock => (FailureClass.Timeout, $"ran longer than {limits.WallClock?.TotalSeconds} s"),
            StopReason.NoOutput => (FailureClass.NoOutput, $"printed nothing for {limits.NoOutput?.TotalSeconds} s"),
            StopReason.Memory => (FailureClass.Memory, $"used more than {limits.MemoryBytes >> 20} MiB of memory"),
            StopReason.Output => (FailureClass.Output, $"printed more than {limits.OutputBytes} bytes"),
            StopReason.Processes => (FailureClass.Processes, $"had more than {limits.Processes} processes at once"),
            _ => ("", ""),
        };
        if (failureClass.Length == 0)
            return null;
        var words = $"The {stage.Name} stage ('{stage.Command}') {what} and was ended with everything it had started.";
        // A restore that hangs waits for a package source far more often than for the change.
        return stage.Name == PlannedStage.Restore && failureClass is FailureClass.Timeout or FailureClass.NoOutput
            ? Failure.OfMachine(FailureClass.Ambiguous, words + " Its package source may be slow or out of reach: run the task again, or raise the limit.\n" + Tail(result))
            : Failure.OfChange(failureClass, words + "\n" + Tail(result));
    }

    private static Failure OfSignal(PlannedStage stage, ProcessResult result, long outOfMemoryKills) =>
        result.Signal == "SIGKILL" && outOfMemoryKills > 0
            ? Failure.OfMachine(FailureClass.Ambiguous, $"The {stage.Name} stage was ended by SIGKILL while the kernel ran out of memory: give the machine more memory, or set a memory limit for the project.\n{Tail(result)}")
            : Failure.OfChange(FailureClass.Crashed, $"The {stage.Name} stage ('{stage.Command}') was ended by {result.Signal}, which none of our limits sent: it crashed.\n{Tail(result)}");

    /// <summary>The shell says so of the command's own first word; of any other it would be the project's mistake.</summary>
    private static bool IsMissing(PlannedStage stage, string tail) =>
        stage.FileName == "sh" && FirstWord(stage.Command) is { Length: > 0 } word
        && Regex.IsMatch(tail, $@"(^|\s){Regex.Escape(word)}: (command )?not found", RegexOptions.Multiline, TimeSpan.FromSeconds(1));

    private static string FirstWord(string command) => command.TrimStart().Split([' ', '\t', '\n', ';', '&', '|'], 2)[0];

    private static string Tail(ProcessResult result)
    {
        var text = string.IsNullOrWhiteSpace(result.StandardErrorTail) ? result.StandardOutputTail : result.StandardErrorTail + (result.StandardErrorTail.Length < 500 ? "\n" + result.StandardOutputTail : "");
        var lines = text.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0).ToList();
        var tail = string.Join('\n', lines.TakeLast(MaxTailLines));
        return tail.Length <= MaxTailLength ? tail : "… " + tail[^MaxTailLength..];
    }

    // npm, NuGet, pip, cargo, go, git in this order; a package that is not there (404) is the change's own.
    [GeneratedRegex(
        """
        \b(ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b
        |\bNU1301\b|NU1300\b|Unable\ to\ load\ the\ service\ index
        |NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Temporary\ failure\ in\ name\ resolution|Name\ or\ service\ not\ known
        |[Cc]ould\ not\ resolve\ host|[Cc]ouldn't\ resolve\ host|spurious\ network\ error|Connection\ timed\ out|Connection\ refused|Network\ is\ unreachable
        |dial\ tcp\b|i/o\ timeout|TLS\ handshake\ timeout
        |\b(429\ Too\ Many\ Requests|50[234]\ (Bad\ Gateway|Service\ Unavailable|Gateway\ Time-?out))
        """,
        RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Network();

    [GeneratedRegex("No space left on device|ENOSPC|There is not enough space on the disk", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DiskWords();
}
