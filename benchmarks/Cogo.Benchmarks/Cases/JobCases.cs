using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Enqueue -> work -> finish.</summary>
internal sealed class JobCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var workload = new Workload { Kind = WorkloadKind.EndToEnd, Messages = options.Quick ? 100_000 : 300_000 };
        var taking = await contestants.CreateAsync(CogoJobs.Create, ceiling: false, cancellationToken);
        if (taking.Count > 0)
        {
            var figures = await Rounds.RunAsync("jobs_end_to_end", server, taking, workload, options.Rounds, cancellationToken);
            yield return Rounds.Result("jobs_end_to_end", "jobs/s", "per_second", figures);
        }
    }
}
