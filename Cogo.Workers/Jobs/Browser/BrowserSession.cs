using Microsoft.Playwright;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>One job's context in the shared browser: cookies and storage of its own, gone with it.</summary>
internal sealed class BrowserSession
{
    private static readonly TimeSpan _closing = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _stopping = TimeSpan.FromSeconds(2);
    private readonly IBrowserContext _context;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BrowserSession(IBrowser browser, IBrowserContext context, IPage page, ConsoleLog console)
    {
        (Browser, _context, Page, Console) = (browser, context, page, console);
        page.Crash += (_, _) => _gone.TrySetResult();
        browser.Disconnected += OnDisconnected;
        if (!browser.IsConnected)
            _gone.TrySetResult();
    }

    public IBrowser Browser { get; }

    public IPage Page { get; }

    public ConsoleLog Console { get; }

    /// <summary>The page's process or the whole browser is gone.</summary>
    public bool Crashed => _gone.Task.IsCompleted || !Browser.IsConnected;

    /// <summary>Ends when <see cref="Crashed"/> becomes true.</summary>
    public Task Gone => _gone.Task;

    /// <param name="harPath">Written when the session closes; null: none.</param>
    public static async Task<BrowserSession> OpenAsync(IBrowser browser, PageSettings settings, string? harPath, TimeProvider time)
    {
        var context = await browser.NewContextAsync(new BrowserNewContextOptions
        {
            AcceptDownloads = false,
            ViewportSize = new ViewportSize { Width = settings.Viewport.Width, Height = settings.Viewport.Height },
            RecordHarPath = harPath,
            RecordHarContent = harPath is null ? null : HarContentPolicy.Omit,
        });
        var console = new ConsoleLog(time);
        console.Watch(context);
        return new BrowserSession(browser, context, await context.NewPageAsync(), console);
    }

    /// <summary>Breaks into a script that does not end: it would keep the page from being pictured and closed.</summary>
    public async Task StopScriptAsync()
    {
        try
        {
            var devtools = await _context.NewCDPSessionAsync(Page).WaitAsync(_stopping);
            await devtools.SendAsync("Runtime.terminateExecution").WaitAsync(_stopping);
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            // Whether the page still obeys shows when it is closed, and there it has a consequence.
        }
    }

    /// <summary>False when the browser did not answer: it has to be ended then.</summary>
    public async Task<bool> CloseAsync()
    {
        Browser.Disconnected -= OnDisconnected;
        try
        {
            await _context.CloseAsync().WaitAsync(_closing);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        catch (PlaywrightException)
        {
            // Gone already, with the browser.
            return !Browser.IsConnected;
        }
    }

    private void OnDisconnected(object? sender, IBrowser browser) => _gone.TrySetResult();
}
