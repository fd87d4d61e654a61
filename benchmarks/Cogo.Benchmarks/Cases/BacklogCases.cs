using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Does it drain as fast when much waits as when little does?</summary>
internal sealed class BacklogCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var small = await RunAsync("backlog_10k", 10_000, cancellationToken);
        yield return small;
        var large = options.Quick
            ? await RunAsync("backlog_200k", 200_000, cancellationToken)
            : await RunAsync("backlog_1m", 1_000_000, cancellationToken);
        yield return large with
        {
            OwnRatio = large.RatioTo(small.Cogo),
            Note = "The ratio is Cogo's own, to the backlog of 10 thousand.",
        };
    }

    private async Task<CaseResult> RunAsync(string name, int backlog, CancellationToken cancellationToken)
    {
        var workload = new Workload { Kind = WorkloadKind.Backlog, Backlog = backlog, Messages = options.Quick ? 50_000 : 100_000 };
        var taking = await contestants.CreateAsync(CogoBus.Create, ceiling: false, cancellationToken);
        var figures = await Rounds.RunAsync(name, server, taking, workload, options.Rounds, cancellationToken);
        return Rounds.Result(name, "msg/s", "per_second", figures);
    }
}
