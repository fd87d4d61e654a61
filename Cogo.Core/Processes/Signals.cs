using System.Runtime.InteropServices;

namespace Cogo.Core.Processes;

/// <summary>Signals by number and by name.</summary>
internal static class Signals
{
    public const int Kill = 9;
    private static readonly Dictionary<int, string> _names = new()
    {
        [1] = "SIGHUP",
        [2] = "SIGINT",
        [3] = "SIGQUIT",
        [4] = "SIGILL",
        [5] = "SIGTRAP",
        [6] = "SIGABRT",
        [8] = "SIGFPE",
        [9] = "SIGKILL",
        [11] = "SIGSEGV",
        [13] = "SIGPIPE",
        [14] = "SIGALRM",
        [15] = "SIGTERM",
    };

    public static int Stop { get; } = OperatingSystem.IsMacOS() ? 17 : 19;

    /// <summary>The signal that an exit code stands for by the shell's convention of 128 + n; null for an ordinary code.</summary>
    public static string? FromExitCode(int exitCode) =>
        exitCode == 128 + 7 ? (OperatingSystem.IsMacOS() ? "SIGEMT" : "SIGBUS") : _names.GetValueOrDefault(exitCode - 128);

    /// <summary>Sends the signal; a process that is gone already is fine.</summary>
    public static void Send(int processId, int signal) => _ = SendSignal(processId, signal);

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
