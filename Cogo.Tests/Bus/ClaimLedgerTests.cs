using Cogo.Core.Bus;
using Xunit;

namespace Cogo.Tests.Bus;

/// <summary>Below the floor nobody looks for what a session held: it must never pass a claim that may be open.</summary>
public class ClaimLedgerTests
{
    [Fact]
    public void A_lost_claim_keeps_the_floor_until_the_doubt_is_old()
    {
        var ledger = new ClaimLedger();
        ledger.Doubt(ledger.Begin(), timestamp: 100);
        ledger.End(ledger.Begin(), fence: 7, messages: 1);
        ledger.Close(7);

        ledger.Settle(doubted => doubted < 100);
        Assert.Equal(1, ledger.Floor());
        Assert.Equal(1, ledger.Doubts()?.From);

        ledger.Settle(doubted => doubted < 101);
        Assert.Equal(8, ledger.Floor());
        Assert.Null(ledger.Doubts());
    }

    [Fact]
    public void A_later_doubt_of_the_same_claim_id_counts_from_its_own_time()
    {
        var ledger = new ClaimLedger();
        ledger.Doubt(ledger.Begin(), timestamp: 100);
        ledger.Doubt(ledger.Begin(), timestamp: 200);

        ledger.Settle(doubted => doubted < 150);

        Assert.Equal(1, ledger.Doubts()?.From);
    }

    [Fact]
    public void A_session_that_is_given_up_keeps_its_floor_though_its_claims_are_closed()
    {
        var ledger = new ClaimLedger();
        ledger.End(ledger.Begin(), fence: 3, messages: 2);
        ledger.Close(3);

        ledger.Freeze();
        ledger.Close(3);

        Assert.Equal(3, ledger.Floor());
    }

    [Fact]
    public void A_claim_under_way_keeps_the_floor_at_the_lowest_id_it_can_get()
    {
        var ledger = new ClaimLedger();
        ledger.End(ledger.Begin(), fence: 3, messages: 1);
        var begun = ledger.Begin();
        ledger.End(ledger.Begin(), fence: 9, messages: 1);
        ledger.Close(3);
        ledger.Close(9);

        Assert.Equal(4, ledger.Floor());
        ledger.End(begun, fence: 0, messages: 0);
        Assert.Equal(10, ledger.Floor());
    }
}
