using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Cogo.Core.Database.Embedded;

/// <summary>What a short command left behind; <paramref name="ExitCode"/> is null when it could not be started or ran out of time.</summary>
internal sealed record CommandResult(int? ExitCode, string Output)
{
    public bool Succeeded => ExitCode == 0;

    /// <summary>The last lines, enough for a message.</summary>
    public string Tail => string.Join('\n', Output.TrimEnd().Split('\n')[^Math.Min(12, Output.TrimEnd().Split('\n').Length)..]);
}

/// <summary>Runs the tools of Postgres and npm, which end by themselves within seconds.</summary>
internal static class Command
{
    /// <summary>What the tools of Postgres need of our environment: no secret of ours is among it.</summary>
    private static readonly string[] KeptVariables =
    [
        "PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
        "SystemRoot", "SystemDrive", "windir", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "ComSpec", "PATHEXT",
    ];

    public static async Task<CommandResult> RunAsync(
        IReadOnlyList<string> commandLine,
        string? workingDirectory,
        TimeSpan timeout,
        CancellationToken cancellationToken,
        bool inheritEnvironment = false)
    {
        using var process = new Process { StartInfo = StartInfo(commandLine, workingDirectory, inheritEnvironment) };
        var output = new StringBuilder();
        void Keep(string? line)
        {
            if (line is not null)
            {
                lock (output)
                {
                    output.Append(line).Append('\n');
                }
            }
        }

        process.OutputDataReceived += (_, e) => Keep(e.Data);
        process.ErrorDataReceived += (_, e) => Keep(e.Data);
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            return new CommandResult(null, $"{commandLine[0]}: {e.Message}");
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        int? exitCode;
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            exitCode = process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            Keep($"{commandLine[0]}: ended after {timeout.TotalSeconds:0} s without a result");
            exitCode = null;
        }

        lock (output)
        {
            return new CommandResult(exitCode, output.ToString());
        }
    }

    public static ProcessStartInfo StartInfo(IReadOnlyList<string> commandLine, string? workingDirectory, bool inheritEnvironment)
    {
        var info = new ProcessStartInfo(commandLine[0], commandLine.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = workingDirectory ?? "",
        };
        if (!inheritEnvironment)
        {
            var kept = KeptVariables
                .Select(name => (name, value: Environment.GetEnvironmentVariable(name)))
                .Where(variable => variable.value is not null)
                .ToList();
            info.Environment.Clear();
            foreach (var (name, value) in kept)
            {
                info.Environment[name] = value;
            }

            // Messages are read, and libc's locale must not start threads in the postmaster (macOS).
            info.Environment["LC_ALL"] = "C";
        }

        return info;
    }

    /// <summary>The full path of a program on PATH.</summary>
    public static string? Find(string name)
    {
        var names = OperatingSystem.IsWindows() ? new[] { name + ".exe", name + ".cmd" } : [name];
        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .SelectMany(directory => names.Select(file => Path.Combine(directory, file)))
            .FirstOrDefault(File.Exists);
    }
}
