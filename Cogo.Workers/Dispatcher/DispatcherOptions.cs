namespace Cogo.Workers.Dispatcher;

/// <summary>What the dispatcher lets through.</summary>
public sealed record DispatcherOptions
{
    /// <summary>Routes it relays to, whatever their shard. <c>DISPATCHER_TARGETS</c>, comma-separated <c>service/role/shard</c>.</summary>
    public IReadOnlyList<Route> Targets { get; init; } = [Route.Codegen, Route.BuildTest];

    /// <summary>Largest payload in bytes of UTF-8. <c>DISPATCHER_PAYLOAD_LIMIT_BYTES</c>.</summary>
    public int PayloadLimitBytes { get; init; } = 5 * 1024 * 1024;
}
