using System.Diagnostics;

namespace Cogo.Core.Bus;

/// <summary>
/// Names a process so that another one on the same machine can tell that it is gone, without waiting for its
/// lease: host and boot, process id and start time. A container has its own host name and process ids.
/// </summary>
internal sealed record ProcessIdentity(string Host, int Pid, long StartedTicks)
{
    public static ProcessIdentity Current()
    {
        using var self = Process.GetCurrentProcess();
        return new ProcessIdentity(HostName(), self.Id, self.StartTime.ToUniversalTime().Ticks / TimeSpan.TicksPerSecond);
    }

    /// <summary>True only when it is certain: same host and boot, and no such process, or one that started at another time.</summary>
    public bool IsCertainlyGone()
    {
        if (Host != HostName())
        {
            return false;
        }

        try
        {
            using var process = Process.GetProcessById(Pid);
            // The start time is derived from the boot clock, so two readings may differ by a rounding.
            return Math.Abs((process.StartTime.ToUniversalTime().Ticks / TimeSpan.TicksPerSecond) - StartedTicks) > 2;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return true;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string HostName()
    {
        const string BootId = "/proc/sys/kernel/random/boot_id";
        const string PidNamespace = "/proc/self/ns/pid";
        var boot = File.Exists(BootId) ? File.ReadAllText(BootId).Trim() : "";
        var pids = OperatingSystem.IsLinux() ? new FileInfo(PidNamespace).LinkTarget ?? "" : "";
        return $"{Environment.MachineName} {boot} {pids}".Trim();
    }
}
