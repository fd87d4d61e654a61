namespace Invoicing.Tests;

public sealed class DiscountTests
{
    public void Ten_percent_off() => Check.Equal(900L, Discount.Apply(1000, 10m));

    public void Half_a_cent_goes_to_the_even_one() => Check.Equal(2L, Discount.Apply(5, 50m));

    public void More_than_everything_is_refused() => Check.Throws<ArgumentOutOfRangeException>(() => Discount.Apply(1000, 101m));
}
