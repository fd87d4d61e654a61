using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Time from when a message was due to be sent to its handler.</summary>
internal sealed class LatencyCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    /// <summary>Messages a second. Idle: rare enough that everything sleeps when one comes.</summary>
    private static readonly (string Name, double Rate, double Seconds)[] Loads =
        [("idle", 4, 30), ("1_per_second", 1, 60), ("100_per_second", 100, 30), ("1000_per_second", 1000, 30)];

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (name, rate, seconds) in Loads)
        {
            var workload = new Workload { Kind = WorkloadKind.Latency, Rate = rate, Seconds = options.Quick ? 5 : seconds };
            var taking = await contestants.CreateWithAsync(CogoBus.Create, database => new TwoCommits(database), cancellationToken);
            var figures = await Rounds.RunAsync($"latency_{name}", server, taking, workload, options.Rounds, cancellationToken);
            foreach (var percentile in new[] { "p50", "p99", "p999" })
            {
                yield return Rounds.Result($"latency_{name}_{percentile}", "ms", percentile, figures);
            }
        }
    }
}
