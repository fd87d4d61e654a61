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
        if (options.Wants("bus"))
        {
            await foreach (var result in new BusCases(server, contestants, options).RunAsync(cancellationToken))
            {
                yield return result;
            }
        }
    }
}
