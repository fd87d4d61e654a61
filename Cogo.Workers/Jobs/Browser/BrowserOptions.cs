namespace Cogo.Workers.Jobs.Browser;

/// <summary>Which browser runs the <c>browser.*</c> jobs, and how.</summary>
public sealed record BrowserOptions
{
    /// <summary>There is no other mode: when false, jobs fail and say so.</summary>
    public bool RealMode { get; init; } = true;

    public bool Headless { get; init; } = true;

    /// <summary>Without Chromium's sandbox; as root it cannot start with it, so there it is always without.</summary>
    public bool NoSandbox { get; init; }

    /// <summary>
    /// A failed assertion ends its job as succeeded, for a queue that nothing may hold up. The result says that it
    /// failed, and why.
    /// </summary>
    public bool ForceSuccess { get; init; }

    /// <summary>One of <see cref="BrowserInstallation.Channels"/>.</summary>
    public string Channel { get; init; } = "chromium";

    /// <summary>The browser's program, where it is not in a usual place.</summary>
    public string? Path { get; init; }

    /// <summary>A navigation, where the payload names none.</summary>
    public TimeSpan NavigationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A whole job.</summary>
    public TimeSpan JobTimeout { get; init; } = TimeSpan.FromMinutes(5);
}
