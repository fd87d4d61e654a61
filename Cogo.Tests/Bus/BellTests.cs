using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Cogo.Tests.Bus;

public sealed class BellTests
{
    /// <summary>Commits with NOTIFY wait for each other and for the disk: two of one process would make a queue.</summary>
    [Fact]
    public async Task One_publish_at_a_time_carries_the_notification()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        var options = new BusOptions { BellInterval = TimeSpan.Zero };
        var store = new PostgresStore(database.DataSource, options, TimeProvider.System);
        await using var bell = new Bell(store, options, new WakeUp(), BusRuntime.Of(TimeProvider.System), NullLogger.Instance);
        Assert.True(bell.TakeTurnWithPublish());
        Assert.False(bell.TakeTurnWithPublish());
        bell.EndTurnWithPublish();
        Assert.True(bell.TakeTurnWithPublish());
    }
}
