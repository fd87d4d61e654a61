namespace Cogo.Benchmarks.Reporting;

/// <summary>One figure over the rounds.</summary>
internal sealed record Series
{
    public Series(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
        {
            throw new ArgumentException("A series needs at least one round.", nameof(values));
        }

        (Min, Max) = (sorted[0], sorted[^1]);
        var middle = sorted.Length / 2;
        Median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    public double Median { get; }

    public double Min { get; }

    public double Max { get; }
}
