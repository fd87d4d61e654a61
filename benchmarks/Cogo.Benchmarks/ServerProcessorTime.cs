using System.Globalization;

namespace Cogo.Benchmarks;

/// <summary>
/// Processor time of the server and all its children, ended ones included: a figure that a busy machine disturbs
/// less than the clock on the wall. Linux only.
/// </summary>
internal static class ServerProcessorTime
{
    /// <summary>Clock ticks a second in /proc, on every Linux there is.</summary>
    private const double Ticks = 100;

    /// <summary>Null where /proc cannot say.</summary>
    /// <param name="dataDirectory">Holds <c>postmaster.pid</c>.</param>
    public static TimeSpan? Read(string dataDirectory)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var server = File.ReadLines(Path.Combine(dataDirectory, "postmaster.pid")).First().Trim();
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            if (Fields(folder) is { } fields && (Path.GetFileName(folder) == server || fields[1] == server))
            {
                // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), counted here from the state.
                ticks += fields[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
            }
        }

        return TimeSpan.FromSeconds(ticks / Ticks);
    }

    /// <summary>From the state on: what stands before it, the name, may hold spaces.</summary>
    private static string[]? Fields(string folder)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(folder, "stat"));
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended while we looked.
            return null;
        }
    }
}
