using Cogo.Core.Jobs;
using Microsoft.Playwright;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>The files that a browser job leaves, whether it passes or fails.</summary>
internal sealed class Evidence(JobContext job, string folder)
{
    private const int FinalScreenshotMs = 5_000;
    private static readonly TimeSpan _title = TimeSpan.FromSeconds(2);

    private readonly List<string> _paths = [];

    public string HarPath { get; } = Path.Combine(folder, "network.har");

    public IReadOnlyList<string> Paths => _paths;

    /// <summary>The job took one itself.</summary>
    public bool HasFinalScreenshot { get; private set; }

    /// <summary>For the end of a reason.</summary>
    public string Mention => _paths.Count == 0 ? "" : $" See {string.Join(", ", _paths)}";

    public JobContext Job => job;

    /// <param name="final">It shows how the page ended, so that no other is needed.</param>
    public async Task SaveScreenshotAsync(string name, byte[] image, bool final, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream(image);
        await SaveAsync(name, content, name.EndsWith(".png", StringComparison.Ordinal) ? "image/png" : "image/jpeg", cancellationToken);
        HasFinalScreenshot |= final;
    }

    /// <summary>How the page looks now. A page that cannot be pictured, such as one in an endless loop, is not: the reason for the job's end stands without it.</summary>
    public async Task FinalScreenshotAsync(PageActions page, CancellationToken cancellationToken)
    {
        var image = default(byte[]);
        try
        {
            (image, _) = await page.ScreenshotAsync(selector: null, fullPage: false, jpeg: false, FinalScreenshotMs);
        }
        catch (PlaywrightException e) when (PageActions.Gone(e))
        {
            return;
        }

        if (image is not null)
            await SaveScreenshotAsync("screenshot.png", image, final: true, cancellationToken);
    }

    /// <summary>Null when the page does not answer.</summary>
    public static async Task<string?> TitleAsync(BrowserSession session)
    {
        try
        {
            return await session.Page.TitleAsync().WaitAsync(_title);
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            return null;
        }
    }

    /// <summary>The console, and the traffic where it was recorded; once the session is closed.</summary>
    public async Task SaveLogsAsync(BrowserSession session, bool har, CancellationToken cancellationToken)
    {
        using (var console = new MemoryStream(session.Console.ToBytes()))
            await SaveAsync("console.jsonl", console, "application/x-ndjson", cancellationToken);
        if (!har)
            return;
        await using var traffic = await HarFile.ReadAsync(HarPath, cancellationToken);
        if (traffic is not null)
            await SaveAsync("network.har", traffic, "application/json", cancellationToken);
    }

    private async Task SaveAsync(string name, Stream content, string contentType, CancellationToken cancellationToken)
    {
        var artifact = await job.SaveArtifactAsync(name, content, contentType, cancellationToken);
        // A script can name its own as the final one is named: the last stands.
        if (!_paths.Contains(artifact.Path, StringComparer.Ordinal))
            _paths.Add(artifact.Path);
    }
}
