using System.Globalization;

namespace Cogo.Workers.Dispatcher;

/// <summary>What the dispatcher lets through.</summary>
public sealed record DispatcherOptions
{
    public const string TargetsSetting = "DISPATCHER_TARGETS";
    public const string PayloadLimitSetting = "DISPATCHER_PAYLOAD_LIMIT_BYTES";

    /// <summary>Routes it relays to, whatever their shard. <c>DISPATCHER_TARGETS</c>, comma-separated <c>service/role/shard</c>.</summary>
    public IReadOnlyList<Route> Targets { get; init; } = [Route.Codegen, Route.BuildTest, Route.Indexing];

    /// <summary>Largest payload in bytes of UTF-8. <c>DISPATCHER_PAYLOAD_LIMIT_BYTES</c>.</summary>
    public int PayloadLimitBytes { get; init; } = 5 * 1024 * 1024;

    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static DispatcherOptions Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var options = new DispatcherOptions();
        if (configuration[TargetsSetting] is { Length: > 0 } targets)
        {
            var routes = targets.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            options = options with { Targets = [.. routes.Select(Target)] };
        }

        return configuration[PayloadLimitSetting] switch
        {
            null or "" => options,
            var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes > 0 =>
                options with { PayloadLimitBytes = bytes },
            var text => throw new FormatException($"{PayloadLimitSetting} is '{text}': set it to a number of bytes above 0."),
        };
    }

    private static Route Target(string text) => Route.TryParse(text, out var route)
        ? route
        : throw new FormatException($"{TargetsSetting} holds '{text}', which is not a route: write service/role/shard, comma-separated.");
}
