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
    private const string Prefix = "cogo-cr-";

    // Chromium makes a socket in it, whose path has at most 107 characters, 47 of them its own.
    private const int LongestPath = 60;

    private readonly bool _own;

    private BrowserTemporaryFolder(string path, bool own) => (Path, _own) = (path, own);

    public string Path { get; }

    public static BrowserTemporaryFolder Create()
    {
        var parent = System.IO.Path.GetTempPath();
        foreach (var orphan in Directory.EnumerateDirectories(parent, Prefix + "*").Where(IsOrphan).ToList())
        {
            TryDelete(orphan);
        }

        var folder = Directory.CreateTempSubdirectory($"{Prefix}{Environment.ProcessId}-").FullName;
        if (folder.Length <= LongestPath)
        {
            return new BrowserTemporaryFolder(folder, own: true);
        }

        Directory.Delete(folder);
        return new BrowserTemporaryFolder(parent, own: false);
    }

    public void Dispose()
    {
        if (_own)
        {
            TryDelete(Path);
        }
    }

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
