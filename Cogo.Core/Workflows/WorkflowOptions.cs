using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Cogo.Core.Workflows;

/// <summary>How runs are looked after.</summary>
public sealed record WorkflowOptions
{
    public const string CheckSetting = "COGO_WORKFLOW_CHECK_SECONDS";

    /// <summary>How often a step that runs is looked for among the dead letters. <c>COGO_WORKFLOW_CHECK_SECONDS</c>.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often a worker looks whether the step it works on is still wanted.</summary>
    public TimeSpan WantedInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static WorkflowOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration[CheckSetting] switch
        {
            null or "" => new WorkflowOptions(),
            var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 86_400 =>
                new WorkflowOptions { CheckInterval = TimeSpan.FromSeconds(seconds) },
            var text => throw new FormatException($"{CheckSetting} is '{text}': set it to a whole number of seconds from 1 to 86400."),
        };
    }
}
