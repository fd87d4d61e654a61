namespace Cogo.Tests.Chaos;

/// <summary>The workloads of a run: all, or the one that <c>COGO_CHAOS_WORKLOAD</c> names.</summary>
internal static class ChaosWorkloads
{
    public const string Setting = "COGO_CHAOS_WORKLOAD";

    public static IReadOnlyList<IChaosWorkload> All { get; } = [new BusWorkload(), new JobWorkload()];

    /// <summary>Read from the environment, which worker processes inherit.</summary>
    public static IReadOnlyList<IChaosWorkload> Chosen()
    {
        var name = Environment.GetEnvironmentVariable(Setting);
        return string.IsNullOrEmpty(name) ? All
            : All.FirstOrDefault(workload => workload.Name == name) is { } one ? [one]
            : throw new InvalidOperationException($"{Setting} is '{name}': set it to {string.Join(" or ", All.Select(workload => workload.Name))}, or leave it out for both.");
    }
}
