using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Throughput of the job queue: enqueue alone, and enqueue -> work -> finish.</summary>
internal sealed class JobCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var small = new Workload { Kind = WorkloadKind.EndToEnd, Messages = options.Quick ? 100_000 : 300_000 };
        (string Name, Workload Workload)[] cases =
        [
            ("jobs_end_to_end", small),
            ("jobs_enqueue", small with { Kind = WorkloadKind.Publish }),
            ("jobs_end_to_end_10kb", small with { PayloadBytes = 10_000, Messages = small.Messages / 10 }),
            ("jobs_end_to_end_2_workers", small with { Workers = 2 }),
            ("jobs_end_to_end_4_workers", small with { Workers = 4 }),
        ];
        foreach (var (name, workload) in cases)
        {
            var taking = await contestants.CreateAsync(CogoJobs.Create, ceiling: false, cancellationToken);
            var figures = await Rounds.RunAsync(name, server, taking, workload, options.Rounds, cancellationToken);
            yield return Rounds.Result(name, "jobs/s", "per_second", figures);
        }
    }
}
