namespace Invoicing.Tests;

public sealed class SplitTests
{
    public void An_even_amount_gives_equal_shares() => Check.Equal("25 25 25 25", Shares(100, 4));

    public void One_payer_pays_all() => Check.Equal("999", Shares(999, 1));

    public void No_cent_is_lost()
    {
        Check.Equal("34 33 33", Shares(100, 3));
        Check.Equal("3 3 2 2", Shares(10, 4));
    }

    public void There_must_be_a_payer() => Check.Throws<ArgumentOutOfRangeException>(() => Split.Evenly(100, 0));

    private static string Shares(long cents, int payers) => string.Join(' ', Split.Evenly(cents, payers));
}
