using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Enqueue -> work -> finish. Cogo's side is a contestant that is given to <see cref="ContestantSet.CreateAsync"/>.</summary>
internal sealed class JobCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var workload = new Workload { Kind = WorkloadKind.EndToEnd, Messages = options.Quick ? 100_000 : 300_000 };
        var taking = await contestants.CreateAsync(cogo: null, ceiling: false, cancellationToken);
        if (taking.Count > 0)
        {
            var figures = await Rounds.RunAsync("jobs_end_to_end", server, taking, workload, options.Rounds, cancellationToken);
            yield return Rounds.Result("jobs_end_to_end", "jobs/s", "per_second", figures) with { Note = "Cogo's job queue is not measured yet: only the peers are." };
        }
    }
}
