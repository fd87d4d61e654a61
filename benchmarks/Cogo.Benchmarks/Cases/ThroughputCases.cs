using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Throughput of a queue: publish alone, and publish -> handle -> acknowledge.</summary>
internal sealed class ThroughputCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options, QueueUnderTest queue)
{
    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var prefix = queue == QueueUnderTest.Bus ? "bus_" : queue.Prefix;
        var small = new Workload { Kind = WorkloadKind.EndToEnd, Messages = options.Quick ? 100_000 : 300_000 };
        var large = small with { PayloadBytes = 10_000, Messages = small.Messages / 10 };
        (string Name, Workload Workload)[] cases =
        [
            ("end_to_end", small),
            (queue.Publishing, small with { Kind = WorkloadKind.Publish }),
            ("end_to_end_10kb", large),
            ($"{queue.Publishing}_10kb", large with { Kind = WorkloadKind.Publish }),
            ("end_to_end_2_workers", small with { Workers = 2 }),
            ("end_to_end_4_workers", small with { Workers = 4 }),
        ];
        foreach (var (name, workload) in cases.Select(one => (prefix + one.Name, one.Workload)).Where(one => options.WantsCase(one.Item1)))
        {
            yield return await RunAsync(name, workload, cancellationToken);
        }
    }

    private async Task<CaseResult> RunAsync(string name, Workload workload, CancellationToken cancellationToken)
    {
        var taking = await contestants.CreateAsync(queue.Cogo, queue.Ceiling, cancellationToken);
        try
        {
            var figures = await Rounds.RunAsync(name, server, taking, workload, options.Rounds, cancellationToken);
            return Rounds.Result(name, queue.Unit, "per_second", figures);
        }
        finally
        {
            foreach (var contestant in taking.OfType<IAsyncDisposable>())
            {
                await contestant.DisposeAsync();
            }
        }
    }
}
