using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>What jobs do on a page; what goes wrong there comes back as a <see cref="Fault"/>.</summary>
internal sealed partial class PageActions(BrowserSession session, BrowserOptions options)
{
    // For an element to appear or a condition to come true: a page is there by then.
    private const int PatienceMs = 10_000;

    private readonly IPage _page = session.Page;

    /// <summary>Of the last navigation.</summary>
    public int? Status { get; private set; }

    public async Task<Fault?> GoToAsync(string url, string? waitUntil, int? timeoutMs, int? expectStatus, bool judgeStatus = true)
    {
        var milliseconds = timeoutMs ?? (int)options.NavigationTimeout.TotalMilliseconds;
        var shown = WebAddress.Shown(url);
        try
        {
            var response = await _page.GotoAsync(url, new PageGotoOptions { Timeout = milliseconds, WaitUntil = Moment(waitUntil) });
            Status = response?.Status;
        }
        catch (TimeoutException)
        {
            return new Fault("navigation_timeout", $"{shown} had not loaded after {milliseconds} ms. If it always takes long, raise timeout_ms or BROWSER_NAV_TIMEOUT_MS, or set wait_until to domcontentloaded.", FaultKind.Transient);
        }
        catch (PlaywrightException e) when (!session.Crashed && !Gone(e))
        {
            return Navigation(shown, e.Message);
        }

        if (expectStatus is { } expected)
            return Status == expected ? null : new Fault("assertion_failed", $"{shown} answered {Status}, and {expected} was expected.", FaultKind.Assertion);
        return Status is >= 400 && judgeStatus
            ? new Fault("page_status", $"{shown} answered {Status}. If that is right, say so in the payload as the expected status.", Status is 408 or 429 or >= 500 ? FaultKind.Transient : FaultKind.Permanent)
            : null;
    }

    public Task<Fault?> ClickAsync(string selector, int? timeoutMs) => OnElementAsync(selector, timeoutMs, "clicked", (element, timeout) =>
        element.ClickAsync(new LocatorClickOptions { Timeout = timeout }));

    public Task<Fault?> FillAsync(string selector, string value, int? timeoutMs) => OnElementAsync(selector, timeoutMs, "filled", (element, timeout) =>
        element.FillAsync(value, new LocatorFillOptions { Timeout = timeout }));

    public Task<Fault?> WaitForAsync(string selector, int? timeoutMs) => OnElementAsync(selector, timeoutMs, "seen", (_, timeout) => VisibleAsync(selector, timeout));

    public async Task<Fault?> WaitForUrlAsync(string part, int? timeoutMs) =>
        await HoldsAsync(page => page.ToHaveURLAsync(Containing(part), new PageAssertionsToHaveURLOptions { Timeout = timeoutMs ?? PatienceMs }))
            ? null
            : new Fault("step_failed", $"the address is {WebAddress.Shown(_page.Url)}, and did not come to contain '{part}'", FaultKind.Permanent);

    /// <summary>Everything that <paramref name="wanted"/> names, each within the time.</summary>
    public async Task<Fault?> AssertAsync(PageAssertion wanted, int? timeoutMs)
    {
        var timeout = timeoutMs ?? PatienceMs;
        if (wanted.Status is { } status && status != Status)
            return Untrue($"the page answered {Status?.ToString() ?? "nothing"}, and {status} was expected");
        if (wanted.Url is { } url && !await HoldsAsync(page => page.ToHaveURLAsync(Containing(url), new PageAssertionsToHaveURLOptions { Timeout = timeout })))
            return Untrue($"the address is {WebAddress.Shown(_page.Url)}, and '{url}' was expected in it");
        if (wanted.Title is { } title && !await HoldsAsync(page => page.ToHaveTitleAsync(Containing(title), new PageAssertionsToHaveTitleOptions { Timeout = timeout })))
            return Untrue($"the title is '{await _page.TitleAsync()}', and '{title}' was expected in it");
        if (wanted.Selector is { } selector && await OnElementAsync(selector, timeout, "seen", (_, _) => VisibleAsync(selector, timeout)) is { } unseen)
            return unseen.Code == "invalid_selector" ? unseen : Untrue($"nothing that {selector} selects was visible within {timeout} ms");
        if (wanted.Text is { } text && !await ContainsAsync(text, timeout))
            return Untrue($"the page did not come to contain the text '{text}' within {timeout} ms");
        return null;
    }

    /// <param name="selector">Of this element alone; null: the page.</param>
    /// <returns>The image, or why there is none.</returns>
    public async Task<(byte[]? Image, Fault? Fault)> ScreenshotAsync(string? selector, bool fullPage, bool jpeg, int? timeoutMs)
    {
        byte[]? image = null;
        var type = jpeg ? ScreenshotType.Jpeg : ScreenshotType.Png;
        if (selector is not null)
        {
            var fault = await OnElementAsync(selector, timeoutMs, "pictured", async (element, timeout) =>
                image = await element.ScreenshotAsync(new LocatorScreenshotOptions { Timeout = timeout, Type = type }));
            return (image, fault);
        }

        try
        {
            return (await _page.ScreenshotAsync(new PageScreenshotOptions { FullPage = fullPage, Timeout = timeoutMs ?? PatienceMs, Type = type }), null);
        }
        catch (TimeoutException)
        {
            return (null, new Fault("screenshot_timeout", $"{WebAddress.Shown(_page.Url)} could not be pictured within {timeoutMs ?? PatienceMs} ms: the page does not come to rest.", FaultKind.Transient));
        }
        catch (PlaywrightException e) when (!session.Crashed && !Gone(e))
        {
            return (null, new Fault("screenshot_failed", $"{WebAddress.Shown(_page.Url)} could not be pictured: {FirstLine(e.Message)}. Make the page or the viewport smaller.", FaultKind.Permanent));
        }
    }

    /// <summary>What Playwright throws when page, context or browser went away under it.</summary>
    public static bool Gone(PlaywrightException e) =>
        e.Message.Contains("crashed", StringComparison.OrdinalIgnoreCase) || e.Message.Contains("has been closed", StringComparison.Ordinal) || e.Message.Contains("Process exited", StringComparison.Ordinal);

    private async Task<Fault?> OnElementAsync(string selector, int? timeoutMs, string done, Func<ILocator, int, Task> act)
    {
        var timeout = timeoutMs ?? PatienceMs;
        try
        {
            await act(_page.Locator(selector), timeout);
            return null;
        }
        catch (TimeoutException)
        {
            return new Fault("step_failed", $"{selector} could not be {done} within {timeout} ms: it selects nothing, or what it selects is hidden, covered or disabled", FaultKind.Permanent);
        }
        catch (PlaywrightException e) when (e.Message.Contains("strict mode violation", StringComparison.Ordinal))
        {
            return new Fault("step_failed", $"{selector} selects several elements, and one is wanted", FaultKind.Permanent);
        }
        catch (PlaywrightException e) when (!session.Crashed && !Gone(e))
        {
            var invalid = e.Message.Contains("selector", StringComparison.OrdinalIgnoreCase);
            return new Fault(invalid ? "invalid_selector" : "step_failed", invalid ? $"'{selector}' is not a selector" : $"{selector} could not be {done}: {FirstLine(e.Message)}", FaultKind.Permanent);
        }
    }

    private Task VisibleAsync(string selector, int timeout) =>
        _page.Locator(selector).Filter(new LocatorFilterOptions { Visible = true }).First.WaitForAsync(new LocatorWaitForOptions { Timeout = timeout });

    private async Task<bool> HoldsAsync(Func<IPageAssertions, Task> expectation)
    {
        try
        {
            await expectation(Assertions.Expect(_page));
            return true;
        }
        catch (PlaywrightException e) when (!session.Crashed && !Gone(e))
        {
            return false;
        }
    }

    private async Task<bool> ContainsAsync(string text, int timeout)
    {
        try
        {
            await Assertions.Expect(_page.Locator("body")).ToContainTextAsync(text, new LocatorAssertionsToContainTextOptions { Timeout = timeout, UseInnerText = true });
            return true;
        }
        catch (PlaywrightException e) when (!session.Crashed && !Gone(e))
        {
            return false;
        }
    }

    private static Fault Navigation(string shown, string message)
    {
        var error = NetError().Match(message) is { Success: true } match ? match.Value : null;
        if (message.Contains("Download is starting", StringComparison.Ordinal) || error == "ERR_ABORTED")
            return new Fault("not_a_page", $"{shown} is a download or nothing at all, and not a page. Fetch it by http.get.", FaultKind.Permanent);
        var permanent = error is "ERR_TOO_MANY_REDIRECTS" or "ERR_UNSAFE_PORT" or "ERR_INVALID_URL" or "ERR_UNKNOWN_URL_SCHEME" or "ERR_DISALLOWED_URL_SCHEME"
            || (error?.StartsWith("ERR_CERT_", StringComparison.Ordinal) ?? false) || (error?.StartsWith("ERR_BLOCKED_", StringComparison.Ordinal) ?? false);
        return new Fault("navigation_failed", $"{shown} could not be opened: {error ?? FirstLine(message)}.", permanent ? FaultKind.Permanent : FaultKind.Transient);
    }

    private static Fault Untrue(string what) => new("assertion_failed", what, FaultKind.Assertion);

    private static WaitUntilState Moment(string? name) => name switch
    {
        "domcontentloaded" => WaitUntilState.DOMContentLoaded,
        "networkidle" => WaitUntilState.NetworkIdle,
        "commit" => WaitUntilState.Commit,
        _ => WaitUntilState.Load,
    };

    private static string FirstLine(string text) => text.ReplaceLineEndings("\n").Split('\n')[0].TrimEnd('.');

    private static Regex Containing(string part) => new(Regex.Escape(part), RegexOptions.None, TimeSpan.FromSeconds(1));

    [GeneratedRegex("ERR_[A-Z0-9_]+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NetError();
}
