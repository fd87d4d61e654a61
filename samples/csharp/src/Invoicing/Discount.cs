namespace Invoicing;

/// <summary>A reduction in percent.</summary>
public static class Discount
{
    /// <summary>What is left to pay, in cents, half a cent rounded to the even one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 0 or more than 100 percent.</exception>
    public static long Apply(long cents, decimal percent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(percent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 100m);
        return (long)Math.Round(cents * (100m - percent) / 100m, MidpointRounding.ToEven);
    }
}
