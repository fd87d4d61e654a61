using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;

namespace Cogo.Benchmarks.Cases;

/// <summary>Throughput of the bus: publish alone, and publish -> handle -> acknowledge.</summary>
internal sealed class BusCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var messages = options.Quick ? 100_000 : 300_000;
        var small = new Workload { Kind = WorkloadKind.EndToEnd, Messages = messages };
        yield return await RunAsync("bus_end_to_end", small, ceiling: true, cancellationToken);
        yield return await RunAsync("bus_publish", small with { Kind = WorkloadKind.Publish }, ceiling: true, cancellationToken);
        yield return await RunAsync("bus_end_to_end_10kb", small with { PayloadBytes = 10_000, Messages = messages / 10 }, ceiling: true, cancellationToken);
        yield return await RunAsync("bus_end_to_end_2_workers", small with { Workers = 2 }, ceiling: false, cancellationToken);
        yield return await RunAsync("bus_end_to_end_4_workers", small with { Workers = 4 }, ceiling: false, cancellationToken);
    }

    private async Task<CaseResult> RunAsync(string name, Workload workload, bool ceiling, CancellationToken cancellationToken)
    {
        var taking = await contestants.CreateAsync(CogoBus.Create, ceiling, cancellationToken);
        var figures = await Rounds.RunAsync(name, server, taking, workload, options.Rounds, cancellationToken);
        return Rounds.Result(name, "msg/s", "per_second", figures);
    }
}
