using System.Diagnostics;

namespace Cogo.Core.Processes;

/// <summary>
/// Runs a command together with everything it starts, within limits. The whole tree is gone when the call returns:
/// after a limit, after cancellation, and also when the main process ends and leaves daemons behind. It does not
/// outlive this process either, even if that is ended by SIGKILL.
/// </summary>
public static class ProcessTree
{
    /// <summary>How trees are held together on this machine unless told otherwise; found out once, by trying.</summary>
    public static Containment BestContainment => Supervisor.Best;

    /// <summary>
    /// Runs to the end. A limit or cancellation ends the tree and is told by <see cref="ProcessResult.StopReason"/>,
    /// not by an exception. An exit code of 128 + n for a known signal n reads as that signal, as shells do.
    /// </summary>
    /// <param name="onLine">Called line by line as output arrives, one call at a time; what it throws ends the tree and is thrown on.</param>
    /// <exception cref="CommandNotFoundException">There is no such command, or no such working directory.</exception>
    /// <exception cref="PlatformNotSupportedException">On Windows: use WSL or a container there.</exception>
    public static Task<ProcessResult> RunAsync(ProcessSpec spec, Action<OutputLine>? onLine, CancellationToken cancellationToken) =>
        RunAsync(spec, onLine, BestContainment, cancellationToken);

    /// <inheritdoc cref="RunAsync(ProcessSpec, Action{OutputLine}?, CancellationToken)"/>
    public static async Task<ProcessResult> RunAsync(
        ProcessSpec spec, Action<OutputLine>? onLine, Containment containment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("Process trees with limits need Linux or macOS: run Cogo in WSL 2 or in a container.");
        if (!Directory.Exists(spec.WorkingDirectory))
            throw new CommandNotFoundException($"The command '{spec.FileName}' cannot start: there is no folder {spec.WorkingDirectory} to run it in.");

        var environment = ProcessEnvironment.For(spec);
        var command = ProcessEnvironment.Resolve(spec.FileName, spec.WorkingDirectory, environment);
        var cookie = Guid.NewGuid().ToString("N");
        var inputFile = await WriteInputAsync(spec.StandardInput, cookie);
        try
        {
            var line = Supervisor.CommandLine(containment, command, spec.Arguments, inputFile, cookie, spec.Limits.Processes is not null);
            var start = new ProcessStartInfo(line[0], line.Skip(1))
            {
                WorkingDirectory = spec.WorkingDirectory,
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment.Clear();
            foreach (var (name, value) in environment)
                start.Environment[name] = value;

            using var process = Process.Start(start) ?? throw new InvalidOperationException($"{line[0]} did not start.");
            using var running = new RunningTree(process, spec, onLine, containment, cookie);
            return await running.EndAsync(cancellationToken);
        }
        finally
        {
            // The supervisor unlinks it once it is open; this is for the one that never got there.
            if (inputFile is not null)
                File.Delete(inputFile);
        }
    }

    private static async Task<string?> WriteInputAsync(string? input, string cookie)
    {
        if (string.IsNullOrEmpty(input))
            return null;
        var path = Path.Combine(Path.GetTempPath(), "cogo-input-" + cookie);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var writer = new StreamWriter(path, options);
        await writer.WriteAsync(input);
        return path;
    }
}
