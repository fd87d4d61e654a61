namespace Cogo.Workers.Hosting;

/// <summary>Which route a worker reads, out of <c>AGENT_SERVICE</c>, <c>AGENT_ROLE</c> and <c>AGENT_SHARD</c>.</summary>
public static class WorkerRoute
{
    public const string ServiceSetting = "AGENT_SERVICE";
    public const string RoleSetting = "AGENT_ROLE";

    /// <summary>Default: <c>0</c>.</summary>
    public const string ShardSetting = "AGENT_SHARD";

    /// <exception cref="FormatException">A part is missing or malformed, or no role reads such a route; the message lists those there are.</exception>
    public static Route Read(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var service = configuration[ServiceSetting];
        var role = configuration[RoleSetting];
        var shard = configuration[ShardSetting] is { Length: > 0 } text ? text : "0";
        if (string.IsNullOrEmpty(service) || string.IsNullOrEmpty(role))
        {
            throw new FormatException($"{(string.IsNullOrEmpty(service) ? ServiceSetting : RoleSetting)} is not set: a worker reads one route. {Known()}");
        }

        if (!Route.TryParse($"{service}/{role}/{shard}", out var route))
        {
            throw new FormatException($"'{service}/{role}/{shard}' is not a route: each part is 1-63 characters of a-z 0-9 . _ - that start with a letter or a digit. {Known()}");
        }

        return WorkerRole.Of(route) is null
            ? throw new FormatException($"No worker reads {route}. {Known()}")
            : route;
    }

    private static string Known() =>
        $"Known are {string.Join(", ", WorkerRole.All.Select(role => $"{ServiceSetting}={role.Route.Service} {RoleSetting}={role.Route.Role}"))}.";
}
