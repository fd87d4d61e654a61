using System.Globalization;
using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Does it drain as fast when much waits as when little does?</summary>
internal sealed class BacklogCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    private const int Small = 10_000;

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (size, much) = options.Quick ? ("200k", 200_000) : ("1m", 1_000_000);
        foreach (var queue in new[] { QueueUnderTest.Bus, QueueUnderTest.Jobs })
        {
            var (few, many) = ($"{queue.Prefix}backlog_10k", $"{queue.Prefix}backlog_{size}");
            if (!options.WantsCase(few, many))
            {
                continue;
            }

            // Also when only the other one is asked for, whose ratio is to this one.
            var small = await RunAsync(queue, few, Small, cancellationToken);
            yield return small;
            if (options.WantsCase(many))
            {
                var large = await RunAsync(queue, many, much, cancellationToken);
                yield return large with
                {
                    OwnRatio = large.RatioTo(small.Cogo),
                    Note = $"The ratio is Cogo's own, to the backlog of 10 thousand.{(large.Note is null ? "" : " " + large.Note)}",
                };
            }
        }
    }

    private async Task<CaseResult> RunAsync(QueueUnderTest queue, string name, int backlog, CancellationToken cancellationToken)
    {
        var workload = new Workload
        {
            Kind = WorkloadKind.Backlog,
            Backlog = backlog,
            Messages = options.Quick ? 50_000 : 100_000,
            DrainLimitSeconds = options.Quick ? 10 : 60,
        };
        var taking = await contestants.CreateAsync(queue.Cogo, ceiling: null, cancellationToken);
        var figures = await Rounds.RunAsync(name, server, taking, workload, options.Rounds, cancellationToken);
        var part = Math.Min(workload.Messages, backlog);
        var cutShort = figures.Where(one => one.Value.TryGetValue("drained", out var drained) && drained.Min < part).Select(one => string.Create(
            CultureInfo.InvariantCulture, $"{one.Key} was stopped after {workload.DrainLimitSeconds:0} s with {one.Value["drained"].Min:#,0} of {part:#,0} drained."));
        return Rounds.Result(name, queue.Unit, "per_second", figures) with { Note = cutShort.Any() ? string.Join(" ", cutShort) : null };
    }
}
