namespace Cogo.Benchmarks.Reporting;

/// <summary>What one case measured.</summary>
/// <param name="Case">Snake case, such as <c>bus_end_to_end</c>.</param>
/// <param name="Unit">Such as <c>msg/s</c> or <c>ms</c>.</param>
/// <param name="Cogo">Null when Cogo has no such side, or was not asked to run.</param>
internal sealed record CaseResult(string Case, string Unit, Series? Cogo, IReadOnlyDictionary<string, Series> Peers, Series? Ceiling)
{
    /// <summary>Set where Cogo is compared with itself, such as the last minute with the first; else null.</summary>
    public double? OwnRatio { get; init; }

    public string? Note { get; init; }

    /// <summary>True where less is better.</summary>
    public bool Lower => Unit is "ms" or "%" or "queries/s";

    /// <summary>Cogo's median over the other's; null when there is nothing to compare.</summary>
    public double? RatioTo(Series? other) => Cogo is null || other is null || other.Median == 0 ? null : Cogo.Median / other.Median;

    /// <summary>Cogo against itself, or against the best peer.</summary>
    public double? Ratio => OwnRatio
        ?? RatioTo(Lower ? Peers.Values.MinBy(peer => peer.Median) : Peers.Values.MaxBy(peer => peer.Median));
}
