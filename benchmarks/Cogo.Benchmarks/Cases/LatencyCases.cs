using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Time from when a message, or a job, was due to be sent to its handler.</summary>
internal sealed class LatencyCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    /// <summary>Messages a second. Idle: rare enough that everything sleeps when one comes.</summary>
    private static readonly (string Name, Func<string, IContestant> Cogo, double Rate, double Seconds, bool Apart)[] Loads =
    [
        ("latency_idle", CogoBus.Create, 4, 30, false),
        ("latency_idle_apart", CogoBus.Create, 4, 30, true),
        ("latency_1_per_second", CogoBus.Create, 1, 60, false),
        ("latency_100_per_second", CogoBus.Create, 100, 30, false),
        ("latency_1000_per_second", CogoBus.Create, 1000, 30, false),
        ("jobs_latency_idle", CogoJobs.Create, 4, 30, false),
        ("jobs_latency_idle_apart", CogoJobs.Create, 4, 30, true),
        ("jobs_latency_1_per_second", CogoJobs.Create, 1, 60, false),
        ("jobs_latency_100_per_second", CogoJobs.Create, 100, 30, false),
        ("jobs_latency_1000_per_second", CogoJobs.Create, 1000, 30, false),
    ];

    private static readonly string[] Percentiles = ["p50", "p99", "p999"];

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (name, cogo, rate, seconds, apart) in Loads)
        {
            if (!options.WantsCase([.. Percentiles.Select(percentile => $"{name}_{percentile}")]))
            {
                continue;
            }

            var workload = new Workload { Kind = WorkloadKind.Latency, Rate = rate, Seconds = options.Quick ? 5 : seconds, Apart = apart };
            var taking = await contestants.CreateWithAsync(cogo, database => new TwoCommits(database), cancellationToken);
            var figures = await Rounds.RunAsync(name, server, taking, workload, options.Rounds, cancellationToken);
            foreach (var percentile in Percentiles)
            {
                yield return Rounds.Result($"{name}_{percentile}", "ms", percentile, figures);
            }
        }
    }
}
