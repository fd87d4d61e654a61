using System.Diagnostics;
using System.Globalization;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>
/// <c>TMPDIR</c> of one browser, which leaves its own files there when it is killed. It bears the number of the process
/// that made it: what a killed worker left is removed by the next one.
/// </summary>
internal sealed class BrowserTemporaryFolder : IDisposable
{
    private const string Prefix = "cogo-chromium-";

    private BrowserTemporaryFolder(string path) => Path = path;

    public string Path { get; }

    public static BrowserTemporaryFolder Create()
    {
        foreach (var folder in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*").Where(IsOrphan).ToList())
        {
            TryDelete(folder);
        }

        return new BrowserTemporaryFolder(Directory.CreateTempSubdirectory($"{Prefix}{Environment.ProcessId}-").FullName);
    }

    public void Dispose() => TryDelete(Path);

    private static bool IsOrphan(string folder)
    {
        var number = System.IO.Path.GetFileName(folder)[Prefix.Length..].Split('-')[0];
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return false;
        }

        try
        {
            using var owner = Process.GetProcessById(id);
            return false;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }

    private static void TryDelete(string folder)
    {
        try
        {
            FolderRemoval.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A browser that is just ending still writes there, or it is another user's: the next start tries again.
        }
    }
}
