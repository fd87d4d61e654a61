using System.Globalization;

namespace Cogo.Workers.BuildTest.Stages;

/// <summary>What the machine itself says about its health; what a stage prints is not asked.</summary>
internal static class MachineState
{
    private const int ProbeBytes = 1 << 20;

    /// <summary>How many processes the kernel has killed for want of memory since it started; 0 where it does not tell.</summary>
    public static long OutOfMemoryKills()
    {
        try
        {
            foreach (var line in File.ReadLines("/proc/vmstat"))
            {
                if (line.StartsWith("oom_kill ", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan("oom_kill ".Length), CultureInfo.InvariantCulture);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or /proc is not shown to us.
        }

        return 0;
    }

    /// <summary>The first of the folders that does not take a megabyte any more, or null. Tried, since quotas do not show in the free space.</summary>
    public static string? FullDisk(IEnumerable<string> folders)
    {
        foreach (var folder in folders)
        {
            var path = Path.Combine(folder, ".cogo-probe-" + Guid.NewGuid().ToString("N"));
            try
            {
                using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.DeleteOnClose });
                file.Write(new byte[ProbeBytes]);
            }
            catch (IOException e) when (IsDiskFull(e))
            {
                return folder;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Read-only or gone: that is not a full disk.
            }
        }

        return null;
    }

    /// <summary>ENOSPC or EDQUOT.</summary>
    public static bool IsDiskFull(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is IOException && (e.HResult & 0xFFFF) is 28 or 112 or 122 or 69)
                return true;
        }

        return false;
    }
}
