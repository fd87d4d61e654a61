using Cogo.Workers.Jobs.Browser;
using Cogo.Workers.Jobs.Figma;
using Cogo.Workers.Jobs.Http;
using Cogo.Workers.Jobs.Shell;

namespace Cogo.Workers.Jobs;

/// <summary>Reads the settings of the job types, which are environment variables of the same names.</summary>
public static class JobTypeSettings
{
    private static readonly int LongestSeconds = (int)SubscriptionOptions.LongestTimeout.TotalSeconds;
    private const int LongestMilliseconds = 24 * 3600 * 1000;

    /// <exception cref="FormatException">A setting cannot be read; the message names it and says what to write.</exception>
    public static HttpJobOptions Http(IConfiguration configuration)
    {
        var defaults = new HttpJobOptions();
        return new HttpJobOptions
        {
            AllowPrivate = Switch(configuration, "HTTP_JOB_ALLOW_PRIVATE") ?? defaults.AllowPrivate,
            Timeout = Milliseconds(configuration, "HTTP_JOB_TIMEOUT_MS") ?? defaults.Timeout,
            ResponseLimitBytes = Whole(configuration, "HTTP_JOB_RESPONSE_MB", 1, 16 * 1024) * 1024 * 1024 ?? defaults.ResponseLimitBytes,
            MaxRedirects = (int?)Whole(configuration, "HTTP_JOB_MAX_REDIRECTS", 0, 20) ?? defaults.MaxRedirects,
        };
    }

    /// <inheritdoc cref="Http"/>
    public static ShellJobOptions Shell(IConfiguration configuration)
    {
        var defaults = new ShellJobOptions();
        return new ShellJobOptions
        {
            Enabled = Switch(configuration, "SHELL_JOBS_ENABLED") ?? defaults.Enabled,
            Timeout = Seconds(configuration, "SHELL_JOB_TIMEOUT_SECONDS") ?? defaults.Timeout,
            MemoryBytes = Whole(configuration, "SHELL_JOB_MEMORY_MB", 16, 16 * 1024 * 1024) * 1024 * 1024 ?? defaults.MemoryBytes,
            OutputBytes = Whole(configuration, "SHELL_JOB_OUTPUT_MB", 1, 16 * 1024) * 1024 * 1024 ?? defaults.OutputBytes,
            Processes = (int?)Whole(configuration, "SHELL_JOB_PROCESSES", 1, 1_000_000) ?? defaults.Processes,
            PassedVariables = Text(configuration, "SHELL_JOB_ENV")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
        };
    }

    /// <inheritdoc cref="Http"/>
    public static FigmaOptions Figma(IConfiguration configuration)
    {
        var defaults = new FigmaOptions();
        return new FigmaOptions
        {
            ApiToken = Text(configuration, "FIGMA_API_TOKEN") switch
            {
                null => null,
                // Not repeated here.
                var token when token.Any(c => c is <= ' ' or > '~') => throw new FormatException("FIGMA_API_TOKEN holds a space or another character that a token cannot have: set it to the token alone."),
                var token => token,
            },
            ApiBase = Address(configuration, "FIGMA_API_BASE") ?? defaults.ApiBase,
            Timeout = Seconds(configuration, "FIGMA_TIMEOUT_SECONDS") ?? defaults.Timeout,
            ResponseLimitBytes = Whole(configuration, "FIGMA_RESPONSE_MB", 1, 16 * 1024) * 1024 * 1024 ?? defaults.ResponseLimitBytes,
        };
    }

    /// <inheritdoc cref="Http"/>
    public static BrowserOptions Browser(IConfiguration configuration)
    {
        var defaults = new BrowserOptions();
        return new BrowserOptions
        {
            RealMode = Switch(configuration, "BROWSER_REAL_MODE") ?? defaults.RealMode,
            Headless = Switch(configuration, "HEADLESS") ?? defaults.Headless,
            NoSandbox = Switch(configuration, "NO_SANDBOX") ?? defaults.NoSandbox,
            ForceSuccess = Switch(configuration, "BROWSER_FORCE_SUCCESS") ?? defaults.ForceSuccess,
            Channel = Text(configuration, "BROWSER_CHANNEL") switch
            {
                null => defaults.Channel,
                var channel when BrowserInstallation.Channels.Contains(channel, StringComparer.Ordinal) => channel,
                var channel => throw new FormatException($"BROWSER_CHANNEL is '{channel}': set it to one of {string.Join(", ", BrowserInstallation.Channels)}."),
            },
            Path = Text(configuration, "BROWSER_PATH"),
            NavigationTimeout = Milliseconds(configuration, "BROWSER_NAV_TIMEOUT_MS") ?? defaults.NavigationTimeout,
            JobTimeout = Milliseconds(configuration, "BROWSER_JOB_TIMEOUT_MS") ?? defaults.JobTimeout,
        };
    }

    private static string? Text(IConfiguration configuration, string name)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration[name]?.Trim() is { Length: > 0 } text ? text : null;
    }

    private static bool? Switch(IConfiguration configuration, string name) => Text(configuration, name)?.ToUpperInvariant() switch
    {
        null => null,
        "TRUE" or "1" => true,
        "FALSE" or "0" => false,
        _ => throw new FormatException($"{name} is '{Text(configuration, name)}': set it to true or false."),
    };

    private static Uri? Address(IConfiguration configuration, string name) => Text(configuration, name) switch
    {
        null => null,
        var text when Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" => address,
        // Not repeated here: a URL may hold a password.
        _ => throw new FormatException($"{name} is not a URL: set it to http://host:port/path or https://host/path."),
    };

    private static TimeSpan? Seconds(IConfiguration configuration, string name) =>
        Whole(configuration, name, 1, LongestSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static TimeSpan? Milliseconds(IConfiguration configuration, string name) =>
        Whole(configuration, name, 1, LongestMilliseconds) is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;

    private static long? Whole(IConfiguration configuration, string name, long least, long most) => Text(configuration, name) switch
    {
        null => null,
        var text when long.TryParse(text, System.Globalization.NumberStyles.None, null, out var value) && value >= least && value <= most => value,
        var text => throw new FormatException($"{name} is '{text}': set it to a whole number from {least} to {most}."),
    };
}
