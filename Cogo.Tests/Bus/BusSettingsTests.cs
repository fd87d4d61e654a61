using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Bus;

public class BusSettingsTests
{
    [Theory]
    [InlineData("COGO_BUS_LEASE_MS", "10")]
    [InlineData("COGO_BUS_LEASE_MS", "16000")]
    [InlineData("COGO_BUS_HEARTBEAT_MS", "15000")]
    [InlineData("COGO_BUS_LEASE_MS", "soon")]
    [InlineData("COGO_BUS_POLL_MS", "0")]
    public void A_setting_that_cannot_work_is_named(string name, string value)
    {
        var refused = Assert.Throws<FormatException>(() => BusSettings.Read(Settings.Of((name, value))));

        Assert.Contains($"{name} is ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lease_of_more_than_two_heartbeats_is_taken()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(16001), BusSettings.Read(Settings.Of(("COGO_BUS_LEASE_MS", "16001"))).LeaseDuration);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7.001)]
    [InlineData(24855)]
    public void A_time_limit_that_no_timer_keeps_is_refused_by_the_name_of_its_option(double days)
    {
        var limit = TimeSpan.FromDays(days);

        Assert.Contains("HandlerTimeout", Assert.ThrowsAny<ArgumentException>(() => new SubscriptionOptions { HandlerTimeout = limit }.Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("JobTimeout", Assert.ThrowsAny<ArgumentException>(() => new JobOptions { JobTimeout = limit }.Validated()).Message, StringComparison.Ordinal);
    }
}
