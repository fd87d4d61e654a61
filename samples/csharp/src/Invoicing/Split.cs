namespace Invoicing;

/// <summary>Divides an amount among several payers.</summary>
public static class Split
{
    /// <summary>
    /// Shares of <paramref name="cents"/> that differ by one cent at most and add up to it; the first ones are the larger.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no payer.</exception>
    public static IReadOnlyList<long> Evenly(long cents, int payers)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(payers);
        var share = cents / payers;
        return Enumerable.Repeat(share, payers).ToList();
    }
}
