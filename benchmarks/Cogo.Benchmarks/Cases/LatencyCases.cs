using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Time from when a message was due to be sent to its handler.</summary>
internal sealed class LatencyCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    /// <summary>Messages a second. Idle: rare enough that everything sleeps when one comes.</summary>
    private static readonly (string Name, double Rate, double Seconds, bool Apart)[] Loads =
        [("idle", 4, 30, false), ("idle_apart", 4, 30, true), ("1_per_second", 1, 60, false), ("100_per_second", 100, 30, false), ("1000_per_second", 1000, 30, false)];

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (name, rate, seconds, apart) in Loads)
        {
            var workload = new Workload { Kind = WorkloadKind.Latency, Rate = rate, Seconds = options.Quick ? 5 : seconds, Apart = apart };
            var taking = await contestants.CreateWithAsync(CogoBus.Create, database => new TwoCommits(database), cancellationToken);
            var figures = await Rounds.RunAsync($"latency_{name}", server, taking, workload, options.Rounds, cancellationToken);
            foreach (var percentile in new[] { "p50", "p99", "p999" })
            {
                yield return Rounds.Result($"latency_{name}_{percentile}", "ms", percentile, figures);
            }
        }
    }
}
