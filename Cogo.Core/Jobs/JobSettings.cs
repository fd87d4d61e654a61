using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Cogo.Core.Jobs;

/// <summary>Reads <see cref="JobOptions"/> from settings; what is not set keeps its default.</summary>
public static class JobSettings
{
    public const string ExecutorId = "EXECUTOR_ID";

    /// <summary>Comma-separated.</summary>
    public const string Queues = "JOBS_QUEUES";

    public const string Concurrency = "JOBS_CONCURRENCY";
    public const string MaxJobs = "MAX_JOBS";

    /// <summary>At most 7 days.</summary>
    public const string TimeoutSeconds = "JOBS_TIMEOUT_SECONDS";

    private static readonly int LongestSeconds = (int)Bus.SubscriptionOptions.LongestTimeout.TotalSeconds;

    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static JobOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var defaults = new JobOptions();
        try
        {
            return (defaults with
            {
                ExecutorId = configuration[ExecutorId] is { Length: > 0 } executor ? executor : null,
                Queues = configuration[Queues] is { Length: > 0 } queues
                    ? queues.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    : defaults.Queues,
                Concurrency = Number(configuration, Concurrency) ?? defaults.Concurrency,
                MaxJobs = Number(configuration, MaxJobs),
                JobTimeout = Number(configuration, TimeoutSeconds, LongestSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            }).Validated();
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"The settings {ExecutorId}, {Queues}, {Concurrency} and {MaxJobs} of the job worker cannot work: {e.Message}", e);
        }
    }

    private static int? Number(IConfiguration configuration, string name, int most = int.MaxValue) => configuration[name] switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 && value <= most => value,
        var text => throw new FormatException($"{name} is '{text}': set it to a {(most == int.MaxValue ? "positive whole number" : $"whole number from 1 to {most}")}."),
    };
}
