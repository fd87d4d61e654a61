using Cogo.Core.Jobs;
using Microsoft.Playwright;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>What became of a browser job. <paramref name="Passed"/> false comes only with <paramref name="Failure"/> and <paramref name="Warning"/>.</summary>
/// <param name="Url">Where the page is at the end, without its query.</param>
/// <param name="Status">Of the last navigation.</param>
/// <param name="Artifacts">Their paths.</param>
internal sealed record BrowserResult(
    bool Passed, string Url, string? Title, int? Status, long DurationMs, int ConsoleErrors, IReadOnlyList<string> Artifacts, BrowserFailure? Failure, string? Warning);

internal sealed record BrowserFailure(string Code, string Reason);

/// <summary>What the browser jobs share: a context of its own in the shared browser, a deadline, the evidence, and what follows from it.</summary>
internal abstract class BrowserJob<TPayload>(SharedBrowser browsers, BrowserOptions options, TimeProvider time) : IJobHandler
    where TPayload : PageSettings
{
    private static readonly TimeSpan _opening = TimeSpan.FromSeconds(30);

    public abstract string Type { get; }

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (!options.RealMode)
            return new JobOutcome.Failed("browser_real_mode_off", "BROWSER_REAL_MODE is false on this worker, and there is no other mode: nothing pretends to be a browser. Remove the setting and replay the job.");
        if (!JobPayload.TryRead<TPayload>(job, out var payload, out var failed))
            return failed;
        if (payload.Problem() is { } problem)
            return JobPayload.Fault(job, problem);
        var (browser, missing) = await browsers.GetAsync(cancellationToken);
        if (browser is null)
            return new JobOutcome.Retry(missing!);

        var folder = Directory.CreateTempSubdirectory("cogo-browser-");
        try
        {
            return await RunAsync(browser, payload, new Evidence(job, folder.FullName), cancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The job itself. What Playwright throws when the browser goes away may leave it.</summary>
    protected abstract Task<Fault?> WorkAsync(PageActions page, TPayload payload, Evidence evidence, CancellationToken cancellationToken);

    private async Task<JobOutcome> RunAsync(IBrowser browser, TPayload payload, Evidence evidence, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(options.JobTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        BrowserSession session;
        try
        {
            session = await BrowserSession.OpenAsync(browser, payload, payload.Har ? evidence.HarPath : null, time).WaitAsync(_opening, CancellationToken.None);
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            await browsers.DiscardAsync(browser);
            return new JobOutcome.Retry($"The browser would not open a page: {e.Message.ReplaceLineEndings(" ").Trim()}");
        }

        var page = new PageActions(session, options);
        var (url, title) = ("about:blank", default(string));
        Fault? fault;
        var work = WorkAsync(page, payload, evidence, both.Token);
        try
        {
            fault = await EndOfAsync(work, session, both.Token);
            if (!work.IsCompleted && !session.Crashed)
                await session.StopScriptAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (!session.Crashed)
            {
                (url, title) = (session.Page.Url, await Evidence.TitleAsync(session));
                if (payload.Screenshot && !evidence.HasFinalScreenshot)
                    await evidence.FinalScreenshotAsync(page, cancellationToken);
            }
        }
        finally
        {
            await both.CancelAsync();
            if (!await session.CloseAsync())
                await browsers.DiscardAsync(browser);
            // It ends now at the latest, since its page is gone; how is known already, or no longer matters.
            await ((Task)work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await evidence.SaveLogsAsync(session, payload.Har, cancellationToken);
        var result = new BrowserResult(
            fault is null, WebAddress.Shown(url), title, page.Status, (long)time.GetElapsedTime(started).TotalMilliseconds, session.Console.Errors, evidence.Paths, null, null);
        return Outcome(fault, result, evidence);
    }

    private async Task<Fault?> EndOfAsync(Task<Fault?> work, BrowserSession session, CancellationToken within)
    {
        try
        {
            // Not by the errors of its calls alone: a script that waits makes none.
            if (await Task.WhenAny(work, session.Gone).WaitAsync(within) == session.Gone)
                return Crash();
            var fault = await work;
            // A crash shows as all kinds of errors.
            return fault is not null && session.Crashed ? Crash() : fault;
        }
        catch (PlaywrightException e) when (session.Crashed || PageActions.Gone(e))
        {
            return Crash();
        }
        catch (OperationCanceledException) when (within.IsCancellationRequested)
        {
            return new Fault("job_timeout", $"The job had not ended after {options.JobTimeout.TotalSeconds:0.###} s. Give it less to do, or raise BROWSER_JOB_TIMEOUT_MS.", FaultKind.Transient);
        }
    }

    private JobOutcome Outcome(Fault? fault, BrowserResult result, Evidence evidence)
    {
        if (fault is null)
        {
            return new JobOutcome.Succeeded(options.ForceSuccess
                ? result with { Warning = "BROWSER_FORCE_SUCCESS is set on this worker: a failed assertion would have ended as succeeded too. This job passed." }
                : result);
        }

        var reason = Capitalised(fault.Reason.TrimEnd('.')) + "." + evidence.Mention;
        if (fault.Kind == FaultKind.Assertion && options.ForceSuccess)
        {
            return new JobOutcome.Succeeded(result with
            {
                Failure = new BrowserFailure(fault.Code, reason),
                Warning = "The assertion failed; the job ends as succeeded only because BROWSER_FORCE_SUCCESS is set on this worker.",
            });
        }

        return fault.Kind == FaultKind.Transient ? new JobOutcome.Retry(reason) : new JobOutcome.Failed(fault.Code, reason);
    }

    /// <summary>A sentence that begins with an address keeps it as it is.</summary>
    private static string Capitalised(string sentence) =>
        sentence.AsSpan(0, sentence.AsSpan().IndexOf(' ') is > 0 and var space ? space : sentence.Length).Contains(':')
            ? sentence
            : char.ToUpperInvariant(sentence[0]) + sentence[1..];

    private static Fault Crash() => new("browser_crashed", "The browser or the page's process ended in the middle of the job.", FaultKind.Transient);
}
