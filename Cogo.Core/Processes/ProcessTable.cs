using System.Globalization;

namespace Cogo.Core.Processes;

/// <summary>A process as the kernel lists it. <paramref name="StartTime"/> tells a reused id from the first owner.</summary>
internal readonly record struct ProcessRow(int Id, int ParentId, int SessionId, bool Zombie, long StartTime, long ResidentBytes);

/// <summary>All processes of the machine at one moment.</summary>
internal static class ProcessTable
{
    public static IReadOnlyList<ProcessRow> Read() => Directory.Exists("/proc/self") ? ReadProc() : ReadPs();

    private static List<ProcessRow> ReadProc()
    {
        var rows = new List<ProcessRow>(256);
        Span<byte> buffer = stackalloc byte[1024];
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!char.IsAsciiDigit(folder[6]))
                continue;
            try
            {
                using var file = File.OpenHandle(folder + "/stat");
                var length = RandomAccess.Read(file, buffer, 0);
                if (ParseStat(buffer[..length]) is { } row)
                    rows.Add(row);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended between listing and reading.
            }
        }

        return rows;
    }

    /// <summary>proc_pid_stat(5): the name in parentheses may itself hold spaces and parentheses.</summary>
    internal static ProcessRow? ParseStat(ReadOnlySpan<byte> stat)
    {
        var open = stat.IndexOf((byte)'(');
        var close = stat.LastIndexOf((byte)')');
        if (open < 1 || close < open || !int.TryParse(stat[..(open - 1)], CultureInfo.InvariantCulture, out var id))
            return null;
        Span<long> fields = stackalloc long[25];
        fields.Clear();
        var rest = stat[(close + 2)..];
        var state = rest[0];
        var index = 3;
        foreach (var range in rest.Split((byte)' '))
        {
            if (index >= fields.Length)
                break;
            _ = long.TryParse(rest[range], CultureInfo.InvariantCulture, out fields[index]);
            index++;
        }

        return new ProcessRow(id, (int)fields[4], (int)fields[6], state is (byte)'Z' or (byte)'X', fields[22], fields[24] * Environment.SystemPageSize);
    }

    private static List<ProcessRow> ReadPs()
    {
        var start = new System.Diagnostics.ProcessStartInfo("ps") { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in new[] { "-axo", "pid=,ppid=,pgid=,stat=,rss=" })
            start.ArgumentList.Add(argument);
        using var ps = System.Diagnostics.Process.Start(start) ?? throw new InvalidOperationException("ps did not start.");
        var rows = ps.StandardOutput.ReadToEnd().Split('\n').Select(ParsePs).OfType<ProcessRow>().ToList();
        ps.WaitForExit();
        return rows;
    }

    /// <summary>A line of <c>ps -axo pid=,ppid=,pgid=,stat=,rss=</c>: where there is no /proc (macOS) the process group stands for the session.</summary>
    internal static ProcessRow? ParsePs(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 5
            && int.TryParse(words[0], CultureInfo.InvariantCulture, out var id)
            && int.TryParse(words[1], CultureInfo.InvariantCulture, out var parent)
            && int.TryParse(words[2], CultureInfo.InvariantCulture, out var group)
            && long.TryParse(words[4], CultureInfo.InvariantCulture, out var kilobytes)
            ? new ProcessRow(id, parent, group, words[3][0] == 'Z', 0, kilobytes * 1024)
            : null;
    }

    /// <summary>Whether the process was started with <c>name=value</c>; false when it is gone or not ours to read.</summary>
    public static bool HasVariable(int id, string assignment)
    {
        try
        {
            var environment = File.ReadAllBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/environ"));
            return environment.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(assignment)) >= 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Resident bytes with shared pages divided among their users; null when the kernel does not tell.</summary>
    public static long? ProportionalBytes(int id)
    {
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/smaps_rollup")))
            {
                if (line.StartsWith("Pss:", StringComparison.Ordinal))
                    return long.Parse(line.AsSpan(4, line.Length - 7).Trim(), CultureInfo.InvariantCulture) * 1024;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It ended, or belongs to another user.
        }

        return null;
    }
}
