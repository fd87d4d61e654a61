using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cogo.Benchmarks.Cases;

/// <summary>The cases that were asked for, in the order in which they are shown.</summary>
internal static class Suite
{
    public static async IAsyncEnumerable<CaseResult> RunAsync(
        BenchmarkServer server, BenchmarkOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var contestants = new ContestantSet(server, options, NullLogger.Instance);
        (string Name, IAsyncEnumerable<CaseResult> Results)[] all =
        [
            ("bus", new ThroughputCases(server, contestants, options, QueueUnderTest.Bus).RunAsync(cancellationToken)),
            ("jobs", new ThroughputCases(server, contestants, options, QueueUnderTest.Jobs).RunAsync(cancellationToken)),
            ("latency", new LatencyCases(server, contestants, options).RunAsync(cancellationToken)),
            ("idle", new IdleCases(server, contestants, options).RunAsync(cancellationToken)),
            ("steady", new SteadyCases(server, contestants, options).RunAsync(cancellationToken)),
            ("backlog", new BacklogCases(server, contestants, options).RunAsync(cancellationToken)),
            ("partitions", new PartitionCases(server, contestants, options).RunAsync(cancellationToken)),
            ("trace", new TraceCases(server, options).RunAsync(cancellationToken)),
            ("index", new IndexCases(server, options).RunAsync(cancellationToken)),
        ];
        foreach (var (_, results) in all.Where(one => options.Wants(one.Name)))
        {
            await foreach (var result in results)
            {
                // Some are measured together with others.
                if (options.WantsCase(result.Case))
                {
                    yield return result;
                }
            }
        }
    }
}
