namespace Cogo.Workers.Jobs.Browser;

/// <summary><c>browser.script</c>: steps on one page, up to the first that fails.</summary>
internal sealed class BrowserScriptJob(SharedBrowser browsers, BrowserOptions options, TimeProvider time) : BrowserJob<ScriptPayload>(browsers, options, time)
{
    private readonly TimeProvider _time = time;

    public override string Type => "browser.script";

    protected override async Task<Fault?> WorkAsync(PageActions page, ScriptPayload payload, Evidence evidence, CancellationToken cancellationToken)
    {
        if (payload.Url is not null && await page.GoToAsync(payload.Url, waitUntil: null, timeoutMs: null, expectStatus: null) is { } unopened)
            return unopened;
        foreach (var (index, step) in payload.Steps.Index())
        {
            var name = $"step {index + 1} of {payload.Steps.Count} ({step.Action})";
            await evidence.Job.ReportProgressAsync((double)index / payload.Steps.Count, name, cancellationToken);
            if (await StepAsync(page, step, evidence, cancellationToken) is { } fault)
                return fault with { Reason = $"{name} failed: {fault.Reason}" };
        }

        return null;
    }

    private async Task<Fault?> StepAsync(PageActions page, ScriptStep step, Evidence evidence, CancellationToken cancellationToken)
    {
        switch (step.Action)
        {
            case "goto":
                return await page.GoToAsync(step.Url!, step.WaitUntil, step.TimeoutMs, step.Status);
            case "click":
                return await page.ClickAsync(step.Selector!, step.TimeoutMs);
            case "fill":
                return await page.FillAsync(step.Selector!, step.Value!, step.TimeoutMs);
            case "wait" when step.Selector is not null:
                return await page.WaitForAsync(step.Selector, step.TimeoutMs);
            case "wait" when step.Url is not null:
                return await page.WaitForUrlAsync(step.Url, step.TimeoutMs);
            case "wait":
                await Task.Delay(TimeSpan.FromMilliseconds(step.Ms!.Value), _time, cancellationToken);
                return null;
            case "assert":
                return await page.AssertAsync(step.Assertion, step.TimeoutMs);
            case "screenshot":
                var (image, fault) = await page.ScreenshotAsync(step.Selector, step.FullPage, jpeg: false, step.TimeoutMs);
                if (image is not null)
                    await evidence.SaveScreenshotAsync($"{step.Name}.png", image, final: false, cancellationToken);
                return fault;
            default:
                throw new InvalidOperationException($"The action '{step.Action}' passed the check of the payload.");
        }
    }
}
