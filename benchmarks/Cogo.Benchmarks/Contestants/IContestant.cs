namespace Cogo.Benchmarks.Contestants;

/// <summary>Something that does a workload on a database of its own.</summary>
internal interface IContestant
{
    string Name { get; }

    /// <summary>Does one round.</summary>
    /// <returns>
    /// <c>per_second</c>: messages a second; of the latency case <c>p50</c>, <c>p99</c> and <c>p999</c> in milliseconds.
    /// </returns>
    Task<IReadOnlyDictionary<string, double>> RunAsync(Workload workload, CancellationToken cancellationToken);
}
