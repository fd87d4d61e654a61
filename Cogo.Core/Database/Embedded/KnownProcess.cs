using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Cogo.Core.Database.Embedded;

/// <summary>A process that a file names: its number, and when it began, which tells it from a later one of the same number.</summary>
internal sealed record KnownProcess(int Pid, DateTimeOffset StartedAt)
{
    /// <summary>Clocks are set, and the kernel counts starts in ticks since boot.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(10);

    public static KnownProcess Of(Process process) => new(process.Id, new DateTimeOffset(process.StartTime));

    public static string PidFile(string dataDirectory) => Path.Combine(dataDirectory, "postmaster.pid");

    /// <summary>The server that <c>postmaster.pid</c> names; null when there is none, or none that can be read.</summary>
    public static KnownProcess? ReadPostmaster(string dataDirectory)
    {
        var path = PidFile(dataDirectory);
        if (!File.Exists(path))
        {
            return null;
        }

        var lines = File.ReadAllLines(path);
        return lines.Length >= 3
            && int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && long.TryParse(lines[2], NumberStyles.None, CultureInfo.InvariantCulture, out var started)
                ? new KnownProcess(pid, DateTimeOffset.FromUnixTimeSeconds(started))
                : null;
    }

    /// <summary>Whether that very process still runs.</summary>
    /// <param name="workingDirectory">Its own, which Linux shows and which is surer than a time.</param>
    public bool IsAlive(string name, string workingDirectory)
    {
        try
        {
            using var process = Process.GetProcessById(Pid);
            if (process.HasExited || !process.ProcessName.Contains(name, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            return OperatingSystem.IsLinux()
                ? string.Equals(new FileInfo($"/proc/{Pid}/cwd").LinkTarget, RealPath(workingDirectory), StringComparison.Ordinal)
                : (process.StartTime.ToUniversalTime() - StartedAt.UtcDateTime).Duration() < Tolerance;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception or IOException or UnauthorizedAccessException)
        {
            // No such process, or one that we may not look at and so did not start.
            return false;
        }
    }

    /// <summary>The kernel shows a path without symbolic links, at whatever depth they are.</summary>
    private static string RealPath(string path)
    {
        var at = Path.GetPathRoot(path)!;
        foreach (var part in path[at.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            at = Path.Combine(at, part);
            at = new DirectoryInfo(at).ResolveLinkTarget(returnFinalTarget: true)?.FullName is { } target ? RealPath(target) : at;
        }

        return at;
    }
}
