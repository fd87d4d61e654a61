namespace Cogo.Workers.Jobs.Browser;

/// <summary>Where the system keeps its browsers. Playwright's own download is not used: it is not made for every system.</summary>
public static class BrowserInstallation
{
    private static readonly Dictionary<string, string[]> _programs = new(StringComparer.Ordinal)
    {
        ["chromium"] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "/snap/bin/chromium", "/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
        ["chrome"] = ["google-chrome", "google-chrome-stable", "/opt/google/chrome/chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"],
        ["msedge"] = ["microsoft-edge", "microsoft-edge-stable", "/opt/microsoft/msedge/msedge", "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge"],
    };

    /// <summary>Values of <c>BROWSER_CHANNEL</c>.</summary>
    public static IReadOnlyCollection<string> Channels => _programs.Keys;

    /// <summary>The browser's program, or a sentence that says why there is none.</summary>
    public static (string? Path, string? Problem) Find(BrowserOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Path is { } given)
            return File.Exists(given) ? (given, null) : (null, $"BROWSER_PATH is {given}, where there is no file. Correct it, or remove it to use the system's browser.");

        // Root's PATH may lack them.
        string[] folders = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), "/usr/bin", "/usr/local/bin"];
        foreach (var program in _programs[options.Channel])
        {
            var found = System.IO.Path.IsPathRooted(program)
                ? (File.Exists(program) ? program : null)
                : folders.Select(folder => System.IO.Path.Combine(folder, program)).FirstOrDefault(File.Exists);
            if (found is not null)
                return (found, null);
        }

        return (null, $"This machine has no {options.Channel}. Install it (Debian: apt-get install chromium), or set BROWSER_PATH to the program.");
    }
}
