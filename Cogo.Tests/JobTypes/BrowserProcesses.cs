using System.Globalization;
using System.Text;

namespace Cogo.Tests.JobTypes;

/// <summary>Finds browsers that a process started, by Linux' table of processes.</summary>
internal static class BrowserProcesses
{
    public static HashSet<int> Below(int ancestor) => [.. Descendants(ancestor).Where(IsBrowser)];

    public static HashSet<int> Descendants(int ancestor)
    {
        var rows = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, null, out var id) || Read(Path.Combine(folder, "stat")) is not { Length: > 0 } stat)
                continue;
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            // A zombie is gone, though its parent has not looked yet.
            if (fields[0] != "Z")
                rows[id] = int.Parse(fields[1]);
        }

        return [.. rows.Keys.Where(id => Descends(rows, id, ancestor))];
    }

    /// <summary>A zombie has no command line any more.</summary>
    public static bool IsAlive(int id) => Read($"/proc/{id}/cmdline").Length > 0;

    private static bool Descends(Dictionary<int, int> parents, int id, int ancestor)
    {
        while (parents.TryGetValue(id, out var parent))
        {
            if (parent == ancestor)
                return true;
            id = parent;
        }

        return false;
    }

    private static bool IsBrowser(int id)
    {
        var arguments = Read($"/proc/{id}/cmdline").Split('\0');
        return arguments[0].Contains("chrom", StringComparison.OrdinalIgnoreCase)
            && arguments.Any(argument => argument.StartsWith("--user-data-dir=", StringComparison.Ordinal))
            && !arguments.Any(argument => argument.StartsWith("--type=", StringComparison.Ordinal));
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file, Encoding.Latin1);
        }
        catch (IOException)
        {
            // It ended in between.
            return "";
        }
    }
}
