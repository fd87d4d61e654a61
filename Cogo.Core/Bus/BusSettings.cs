using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Cogo.Core.Bus;

/// <summary>Reads <see cref="BusOptions"/> from settings; what is not set keeps its default.</summary>
public static class BusSettings
{
    public const string WorkerId = "WORKER_ID";
    public const string LeaseMs = "COGO_BUS_LEASE_MS";
    public const string HeartbeatMs = "COGO_BUS_HEARTBEAT_MS";
    public const string PollMs = "COGO_BUS_POLL_MS";

    /// <summary>Whole days.</summary>
    public const string RetentionDays = "COGO_RETENTION_DAYS";

    /// <summary><c>false</c>: poll only.</summary>
    public const string Listen = "COGO_BUS_LISTEN";

    /// <summary>Name of the connection string for LISTEN: <c>ConnectionStrings__cogo_listen</c>.</summary>
    public const string ListenConnectionName = "cogo_listen";

    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static BusOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var defaults = new BusOptions();
        var options = defaults with
        {
            WorkerId = configuration[WorkerId] is { Length: > 0 } id ? id : defaults.WorkerId,
            LeaseDuration = Milliseconds(configuration, LeaseMs) ?? defaults.LeaseDuration,
            HeartbeatInterval = Milliseconds(configuration, HeartbeatMs) ?? defaults.HeartbeatInterval,
            PollInterval = Milliseconds(configuration, PollMs) ?? defaults.PollInterval,
            Retention = configuration[RetentionDays] switch
            {
                null or "" => null,
                var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is > 0 and <= 36_500 => TimeSpan.FromDays(days),
                var text => throw new FormatException($"{RetentionDays} is '{text}': set it to a positive whole number of days."),
            },
            ListenConnectionString = configuration[$"ConnectionStrings:{ListenConnectionName}"] is { Length: > 0 } listen ? listen : null,
            Listen = configuration[Listen] switch
            {
                null or "" => defaults.Listen,
                var text when bool.TryParse(text, out var value) => value,
                var text => throw new FormatException($"{Listen} is '{text}': set it to true or false."),
            },
        };
        if (options.LeaseDuration <= options.HeartbeatInterval * 2)
        {
            throw new FormatException(
                $"{LeaseMs} is {options.LeaseDuration.TotalMilliseconds:0} and {HeartbeatMs} is {options.HeartbeatInterval.TotalMilliseconds:0} (milliseconds): "
                + "the lease must be more than twice the heartbeat, or one lost heartbeat loses the lease. Raise the first or lower the second.");
        }

        return options;
    }

    private static TimeSpan? Milliseconds(IConfiguration configuration, string name) => configuration[name] switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 => TimeSpan.FromMilliseconds(value),
        var text => throw new FormatException($"{name} is '{text}': set it to a positive number of milliseconds."),
    };
}
