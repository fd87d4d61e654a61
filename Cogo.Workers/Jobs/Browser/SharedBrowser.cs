using Cogo.Core.Processes;
using Microsoft.Playwright;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>
/// The one browser of this worker, started by the first job that needs it and again after a crash. Its driver is a
/// child that ends, and ends the browser, when its standard input does: also when this process is killed.
/// </summary>
internal sealed partial class SharedBrowser(BrowserOptions options, ILogger<SharedBrowser> logger) : IAsyncDisposable
{
    private static readonly TimeSpan _closing = TimeSpan.FromSeconds(10);

    // What a window needs; nothing else of the worker's environment goes to the browser.
    private static readonly string[] _display = ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"];

    private readonly SemaphoreSlim _gate = new(1);
    private IPlaywright? _driver;
    private IBrowser? _browser;
    private BrowserTemporaryFolder? _temporary;
    private bool _disposed;

    /// <summary>The running browser, or a sentence that says why there is none.</summary>
    public async Task<(IBrowser? Browser, string? Problem)> GetAsync(CancellationToken cancellationToken)
    {
        var (path, problem) = BrowserInstallation.Find(options);
        if (path is null)
            return (null, problem);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_browser is { IsConnected: true })
                return (_browser, null);
            await EndAsync();
            _temporary = BrowserTemporaryFolder.Create();
            _driver = await Playwright.CreateAsync();
            _browser = await _driver.Chromium.LaunchAsync(Launch(path, _temporary.Path));
            LogStarted(path, _browser.Version);
            return (_browser, null);
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            await EndAsync();
            return (null, $"{path} did not start: {FirstLine(e.Message)} In a container without user namespaces set NO_SANDBOX=true; without a display keep HEADLESS=true.");
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends a browser that no longer does what it is told; the next job starts another. Others that use it are retried.</summary>
    public async Task DiscardAsync(IBrowser browser)
    {
        await _gate.WaitAsync();
        try
        {
            if (ReferenceEquals(browser, _browser))
                await EndAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        try
        {
            _disposed = true;
            await EndAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task EndAsync()
    {
        var (browser, driver, temporary) = (_browser, _driver, _temporary);
        (_browser, _driver, _temporary) = (null, null, null);
        try
        {
            if (browser is not null)
                await browser.CloseAsync().WaitAsync(_closing);
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            // The driver ends it the hard way.
            LogUnclosed(e.Message);
        }

        driver?.Dispose();
        temporary?.Dispose();
    }

    private BrowserTypeLaunchOptions Launch(string path, string temporary)
    {
        var environment = ProcessEnvironment.For(new ProcessSpec { FileName = path, WorkingDirectory = "/", CleanEnvironment = true }).ToDictionary();
        environment["TMPDIR"] = temporary;
        foreach (var name in _display)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                environment[name] = value;
        }

        return new BrowserTypeLaunchOptions
        {
            ExecutablePath = path,
            Headless = options.Headless,
            ChromiumSandbox = !options.NoSandbox && !Environment.IsPrivilegedProcess,
            // A container's /dev/shm is often too small.
            Args = ["--disable-dev-shm-usage"],
            Env = environment,
            Timeout = 30_000,
            // The worker handles signals, and cancels the jobs first.
            HandleSIGINT = false,
            HandleSIGTERM = false,
            HandleSIGHUP = false,
        };
    }

    private static string FirstLine(string text)
    {
        var line = text.AsSpan().Trim().EnumerateLines();
        return line.MoveNext() ? line.Current.TrimEnd('.').ToString() + "." : "no reason given.";
    }

    [LoggerMessage(8301, LogLevel.Information, "Browser started: {Path} {Version}")]
    private partial void LogStarted(string path, string version);

    [LoggerMessage(8302, LogLevel.Warning, "The browser did not close, so its driver ends it: {Reason}")]
    private partial void LogUnclosed(string reason);
}
