using System.Globalization;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks;

/// <summary>Runs the contestants of a case in turns (ABAB), so that a machine that slows down slows all of them.</summary>
internal static class Rounds
{
    private const int MostPasses = 12;

    /// <summary>The figures by contestant and name.</summary>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, Series>>> RunAsync(
        string name, BenchmarkServer server, IReadOnlyList<IContestant> contestants, Workload workload, int rounds, CancellationToken cancellationToken)
    {
        var figures = contestants.ToDictionary(one => one.Name, _ => new List<IReadOnlyDictionary<string, double>>(), StringComparer.Ordinal);
        foreach (var contestant in contestants)
        {
            await WarmUpAsync($"{name} warm-up", server, contestant, workload, cancellationToken);
        }

        for (var round = 1; round <= rounds; round++)
        {
            foreach (var contestant in contestants)
            {
                figures[contestant.Name].Add(await RunAsync($"{name} {round}/{rounds}", server, contestant, workload, cancellationToken));
            }
        }

        return figures.ToDictionary(
            one => one.Key,
            one => (IReadOnlyDictionary<string, Series>)one.Value[0].Keys.ToDictionary(
                key => key, key => new Series(one.Value.Select(round => round[key])), StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    /// <summary>
    /// What does not count: rounds of Cogo, which runs in this process, until the compiler has little left to do, and a short one of
    /// the others, whose processes are others each time.
    /// </summary>
    private static async Task WarmUpAsync(string title, BenchmarkServer server, IContestant contestant, Workload workload, CancellationToken cancellationToken)
    {
        if (contestant.Name == CogoBus.ContestantName)
        {
            await Compiling.UntilLittleAsync(title, 1, MostPasses, () => RunAsync(title, server, contestant, workload.ToWarmUp(), cancellationToken));
        }
        else if (workload.Kind is WorkloadKind.EndToEnd or WorkloadKind.Publish)
        {
            // In the other cases they warm up within a round.
            await RunAsync(title, server, contestant, workload.ToWarmUpOthers(), cancellationToken);
        }
    }

    private static async Task<IReadOnlyDictionary<string, double>> RunAsync(
        string title, BenchmarkServer server, IContestant contestant, Workload workload, CancellationToken cancellationToken)
    {
        await server.SettleAsync(cancellationToken);
        var (server0, own0) = (server.ProcessorTime(), Environment.CpuUsage.TotalTime);
        var measured = await contestant.RunAsync(workload, cancellationToken);
        var (serverTime, ownTime) = (server.ProcessorTime() - server0, Environment.CpuUsage.TotalTime - own0);
        await Console.Error.WriteLineAsync(
            $"  {title} {contestant.Name}: {string.Join(", ", measured.Select(figure => string.Create(CultureInfo.InvariantCulture, $"{figure.Key} {figure.Value:0.##}")))}"
            + ProcessorTime(workload, serverTime, contestant.Name == CogoBus.ContestantName ? ownTime : null));
        return measured;
    }

    private static string ProcessorTime(Workload workload, TimeSpan? server, TimeSpan? client)
    {
        double messages = workload.Messages + workload.Warmup;
        // A backlog is also work, and peers fill another number of them.
        return workload.Kind is not (WorkloadKind.EndToEnd or WorkloadKind.Publish) || server is null
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $"; processor time a message: server {server.Value.TotalMicroseconds / messages:0.0} us{(client is null ? "" : $", client {client.Value.TotalMicroseconds / messages:0.0} us")}");
    }

    /// <summary>One figure of a case as its result.</summary>
    public static CaseResult Result(
        string name, string unit, string figure, IReadOnlyDictionary<string, IReadOnlyDictionary<string, Series>> figures) => new(
            name, unit,
            figures.TryGetValue(CogoBus.ContestantName, out var cogo) ? cogo[figure] : null,
            figures.Where(one => one.Key is not (CogoBus.ContestantName or PgBench.ContestantName))
                .ToDictionary(one => one.Key, one => one.Value[figure], StringComparer.Ordinal),
            figures.TryGetValue(PgBench.ContestantName, out var ceiling) ? ceiling[figure] : null);
}
