using Microsoft.Extensions.Configuration;

namespace Cogo.Core.Workspaces;

/// <summary>Where mirrors and working copies are kept, and how long git may take.</summary>
public sealed record WorkspaceOptions
{
    /// <summary>Holds mirrors and working copies; made when missing. Setting: <c>COGO_WORK</c>.</summary>
    public string WorkFolder { get; init; } = Path.Combine(".cogo", "work");

    /// <summary>Longest that one local git command may run. Setting: <c>COGO_GIT_TIMEOUT_MS</c>.</summary>
    public TimeSpan GitTimeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Longest that one fetch from the repository may run. Setting: <c>COGO_GIT_FETCH_TIMEOUT_MS</c>.</summary>
    public TimeSpan FetchTimeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <exception cref="FormatException">A setting is not a positive number of milliseconds.</exception>
    public static WorkspaceOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var defaults = new WorkspaceOptions();
        return new WorkspaceOptions
        {
            WorkFolder = configuration["COGO_WORK"] is { Length: > 0 } folder ? folder : defaults.WorkFolder,
            GitTimeout = Milliseconds(configuration, "COGO_GIT_TIMEOUT_MS") ?? defaults.GitTimeout,
            FetchTimeout = Milliseconds(configuration, "COGO_GIT_FETCH_TIMEOUT_MS") ?? defaults.FetchTimeout,
        };
    }

    private static TimeSpan? Milliseconds(IConfiguration configuration, string name) => configuration[name] switch
    {
        null or "" => null,
        var text when int.TryParse(text, out var value) && value > 0 => TimeSpan.FromMilliseconds(value),
        var text => throw new FormatException($"{name} is '{text}': set it to a positive number of milliseconds."),
    };
}
