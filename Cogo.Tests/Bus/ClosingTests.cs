using Cogo.Core.Bus;
using Xunit;

namespace Cogo.Tests.Bus;

public class ClosingTests
{
    [Fact(Timeout = 60_000)]
    public async Task A_bus_that_closes_while_routes_are_subscribed_leaves_no_session_behind()
    {
        await using var fixture = await BusFixture.CreateAsync();
        for (var round = 0; round < 20; round++)
        {
            var bus = fixture.Bus();
            var subscribing = Enumerable.Range(0, 4).Select(n => Task.Run(() =>
                bus.SubscribeAsync(Route.Parse($"test/work/{n}"), new Recorder(), new SubscriptionOptions(), CancellationToken.None))).ToList();
            // Some before it closes, some while, some after.
            await Task.WhenAny(subscribing);
            await bus.DisposeAsync();
            foreach (var one in subscribing)
            {
                if (await Record.ExceptionAsync(() => one) is { } refused)
                {
                    Assert.IsType<ObjectDisposedException>(refused);
                }
            }
        }

        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from bus_sessions where ended_at is null"));
    }
}
