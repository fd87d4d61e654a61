namespace Cogo.Workers.Jobs.Browser;

/// <summary>What every browser job can ask for.</summary>
internal abstract record PageSettings
{
    public Viewport Viewport { get; init; } = new();

    /// <summary>Keep the network traffic as <c>network.har</c>.</summary>
    public bool Har { get; init; } = true;

    /// <summary>Keep how the page looked at the end as <c>screenshot.png</c>.</summary>
    public bool Screenshot { get; init; } = true;

    /// <summary>What is wrong with it; null when nothing is.</summary>
    public virtual string? Problem() =>
        Viewport.Width is < 16 or > 8192 || Viewport.Height is < 16 or > 8192 ? "viewport is not between 16 and 8192 pixels each way" : null;

    internal static bool IsTimeout(int? milliseconds) => milliseconds is null or (>= 1 and <= 3_600_000);

    internal static bool IsStatus(int? status) => status is null or (>= 100 and <= 599);

    internal static bool IsWaitUntil(string? moment) => moment is null or "load" or "domcontentloaded" or "networkidle" or "commit";
}

internal sealed record Viewport
{
    public int Width { get; init; } = 1280;

    public int Height { get; init; } = 720;
}

/// <summary>A job that opens one page.</summary>
internal record PagePayload : PageSettings
{
    public required string Url { get; init; }

    /// <summary>Of the navigation.</summary>
    public int? TimeoutMs { get; init; }

    public string? WaitUntil { get; init; }

    public int? ExpectStatus { get; init; }

    public override string? Problem() => base.Problem()
        ?? (!WebAddress.CanOpen(Url) ? "url is not an absolute http or https URL, or holds a password"
            : !IsTimeout(TimeoutMs) ? "timeout_ms is not between 1 and 3600000"
            : !IsWaitUntil(WaitUntil) ? "wait_until is not load, domcontentloaded, networkidle or commit"
            : !IsStatus(ExpectStatus) ? "expect_status is not between 100 and 599" : null);
}

/// <summary>What a page has to show: all that is given.</summary>
internal sealed record PageAssertion
{
    /// <summary>Within the text that a reader sees.</summary>
    public string? Text { get; init; }

    /// <summary>CSS (or another of Playwright's selectors): one that matches is visible.</summary>
    public string? Selector { get; init; }

    /// <summary>Within the title.</summary>
    public string? Title { get; init; }

    /// <summary>Within the address, after redirects.</summary>
    public string? Url { get; init; }

    /// <summary>Of the last navigation.</summary>
    public int? Status { get; init; }

    public string? Problem() =>
        Text is null or { Length: > 0 } && Selector is null or { Length: > 0 } && Title is null or { Length: > 0 } && Url is null or { Length: > 0 }
            ? (this == new PageAssertion() ? "assert names nothing: give it text, selector, title, url or status" : PageSettings.IsStatus(Status) ? null : "status is not between 100 and 599")
            : "assert holds an empty text, which everything contains";
}

internal sealed record AssertPayload : PagePayload
{
    public required PageAssertion Assert { get; init; }

    /// <summary>How long the page has for each to become true.</summary>
    public int? AssertTimeoutMs { get; init; }

    public override string? Problem() => base.Problem() ?? Assert.Problem() ?? (IsTimeout(AssertTimeoutMs) ? null : "assert_timeout_ms is not between 1 and 3600000");
}

internal sealed record ScreenshotPayload : PagePayload
{
    /// <summary>Beyond the viewport.</summary>
    public bool FullPage { get; init; }

    /// <summary>Of this element alone.</summary>
    public string? Selector { get; init; }

    /// <summary><c>png</c> or <c>jpeg</c>.</summary>
    public string Format { get; init; } = "png";

    public override string? Problem() => base.Problem() ?? (Format is "png" or "jpeg" ? null : "format is not png or jpeg");
}

internal sealed record ScriptPayload : PageSettings
{
    /// <summary>Opened before the first step.</summary>
    public string? Url { get; init; }

    public required IReadOnlyList<ScriptStep> Steps { get; init; }

    public override string? Problem()
    {
        if (base.Problem() is { } problem)
            return problem;
        if (Url is not null && !WebAddress.CanOpen(Url))
            return "url is not an absolute http or https URL, or holds a password";
        if (Steps.Count is 0 or > 200)
            return $"steps holds {Steps.Count} steps, and 1 to 200 are allowed";
        return Steps.Index().Select(step => step.Item is null ? $"step {step.Index + 1} is null" : step.Item.Problem() is { } wrong ? $"in step {step.Index + 1}, {wrong}" : null).FirstOrDefault(wrong => wrong is not null);
    }
}

/// <summary>One step: <see cref="Action"/> says which of the others it reads.</summary>
internal sealed record ScriptStep
{
    public required string Action { get; init; }

    public string? Url { get; init; }

    public string? Selector { get; init; }

    /// <summary>What <c>fill</c> types; never repeated in a message.</summary>
    public string? Value { get; init; }

    public string? Text { get; init; }

    public string? Title { get; init; }

    public int? Status { get; init; }

    /// <summary>How long <c>wait</c> waits for nothing in particular.</summary>
    public int? Ms { get; init; }

    /// <summary>Of the screenshot, without an extension.</summary>
    public string? Name { get; init; }

    public bool FullPage { get; init; }

    public string? WaitUntil { get; init; }

    public int? TimeoutMs { get; init; }

    public PageAssertion Assertion => new() { Text = Text, Selector = Selector, Title = Title, Url = Url, Status = Status };

    public string? Problem()
    {
        if (!PageSettings.IsTimeout(TimeoutMs))
            return "timeout_ms is not between 1 and 3600000";
        return Action switch
        {
            "goto" => !WebAddress.CanOpen(Url) ? "url is not an absolute http or https URL, or holds a password"
                : !PageSettings.IsWaitUntil(WaitUntil) ? "wait_until is not load, domcontentloaded, networkidle or commit"
                : PageSettings.IsStatus(Status) ? null : "status is not between 100 and 599",
            "click" => Selector is { Length: > 0 } ? null : "click needs a selector",
            "fill" => Selector is { Length: > 0 } && Value is not null ? null : "fill needs a selector and a value",
            "wait" => new[] { Selector is { Length: > 0 }, Url is { Length: > 0 }, Ms is >= 0 and <= 600_000 }.Count(given => given) == 1 ? null : "wait needs one of selector, url and ms (0 to 600000)",
            "assert" => Assertion.Problem(),
            "screenshot" => Name is { Length: > 0 and <= 100 } && Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? null : "screenshot needs a name of A-Z a-z 0-9 _ -",
            _ => $"action is not goto, click, fill, wait, assert or screenshot",
        };
    }
}
