namespace Cogo.Workers.Jobs.Browser;

/// <summary><c>browser.navigate</c>: opens a page.</summary>
internal sealed class BrowserNavigateJob(SharedBrowser browsers, BrowserOptions options, TimeProvider time) : BrowserJob<PagePayload>(browsers, options, time)
{
    public override string Type => "browser.navigate";

    protected override Task<Fault?> WorkAsync(PageActions page, PagePayload payload, Evidence evidence, CancellationToken cancellationToken) =>
        page.GoToAsync(payload.Url, payload.WaitUntil, payload.TimeoutMs, payload.ExpectStatus);
}

/// <summary><c>browser.assert</c>: opens a page and says whether it is as described.</summary>
internal sealed class BrowserAssertJob(SharedBrowser browsers, BrowserOptions options, TimeProvider time) : BrowserJob<AssertPayload>(browsers, options, time)
{
    public override string Type => "browser.assert";

    protected override async Task<Fault?> WorkAsync(PageActions page, AssertPayload payload, Evidence evidence, CancellationToken cancellationToken) =>
        await page.GoToAsync(payload.Url, payload.WaitUntil, payload.TimeoutMs, payload.ExpectStatus, judgeStatus: payload.Assert.Status is null)
        ?? await page.AssertAsync(payload.Assert, payload.AssertTimeoutMs);
}

/// <summary><c>browser.screenshot</c>: a picture of a page or of an element.</summary>
internal sealed class BrowserScreenshotJob(SharedBrowser browsers, BrowserOptions options, TimeProvider time) : BrowserJob<ScreenshotPayload>(browsers, options, time)
{
    public override string Type => "browser.screenshot";

    protected override async Task<Fault?> WorkAsync(PageActions page, ScreenshotPayload payload, Evidence evidence, CancellationToken cancellationToken)
    {
        if (await page.GoToAsync(payload.Url, payload.WaitUntil, payload.TimeoutMs, payload.ExpectStatus) is { } fault)
            return fault;
        var (image, failed) = await page.ScreenshotAsync(payload.Selector, payload.FullPage, payload.Format == "jpeg", timeoutMs: null);
        if (image is not null)
            await evidence.SaveScreenshotAsync(payload.Format == "jpeg" ? "screenshot.jpg" : "screenshot.png", image, final: true, cancellationToken);
        return failed;
    }
}
