using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Cogo.Core.Database.Embedded;

/// <summary><c>postmaster.pid</c>: the process, and the second it began, which tells it from a later process of the same number.</summary>
internal sealed record PostmasterPid(int Pid, DateTimeOffset StartedAt)
{
    /// <summary>Clocks are set, and the kernel counts starts in ticks since boot.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(10);

    public static string PathIn(string dataDirectory) => Path.Combine(dataDirectory, "postmaster.pid");

    /// <summary>Null when there is none, or none that can be read.</summary>
    public static PostmasterPid? Read(string dataDirectory)
    {
        var path = PathIn(dataDirectory);
        if (!File.Exists(path))
        {
            return null;
        }

        var lines = File.ReadAllLines(path);
        return lines.Length >= 3
            && int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && long.TryParse(lines[2], NumberStyles.None, CultureInfo.InvariantCulture, out var started)
                ? new PostmasterPid(pid, DateTimeOffset.FromUnixTimeSeconds(started))
                : null;
    }

    /// <summary>Whether that very server still runs on the data.</summary>
    public bool IsAlive(string dataDirectory)
    {
        try
        {
            using var process = Process.GetProcessById(Pid);
            if (process.HasExited || !process.ProcessName.Contains("postgres", StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            // A server's working directory is its data; only Linux shows it without asking.
            return OperatingSystem.IsLinux()
                ? new FileInfo($"/proc/{Pid}/cwd").ResolveLinkTarget(returnFinalTarget: false)?.FullName == new DirectoryInfo(dataDirectory).FullName
                : (process.StartTime.ToUniversalTime() - StartedAt.UtcDateTime).Duration() < Tolerance;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception or IOException or UnauthorizedAccessException)
        {
            // No such process, or one that we may not look at and so did not start.
            return false;
        }
    }
}
