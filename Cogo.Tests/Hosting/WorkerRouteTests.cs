using Cogo.Tests.Fixtures;
using Cogo.Workers.Hosting;
using Xunit;

namespace Cogo.Tests.Hosting;

public class WorkerRouteTests
{
    [Theory]
    [InlineData(null, "orchestrator/execute/0")]
    [InlineData("3", "orchestrator/execute/3")]
    public void A_worker_reads_the_route_of_its_environment(string? shard, string route)
    {
        var settings = Settings.Of(("AGENT_SERVICE", "orchestrator"), ("AGENT_ROLE", "execute"), ("AGENT_SHARD", shard));

        Assert.Equal(route, WorkerRoute.Read(settings).ToString());
    }

    [Theory]
    [InlineData(null, "execute", "AGENT_SERVICE is not set")]
    [InlineData("orchestrator", "", "AGENT_ROLE is not set")]
    [InlineData("Orchestrator!", "execute", "'Orchestrator!/execute/0' is not a route")]
    [InlineData("coffee", "brew", "No worker reads coffee/brew/0")]
    public void A_route_that_nobody_reads_is_refused_with_those_there_are(string? service, string? role, string words)
    {
        var thrown = Assert.Throws<FormatException>(() => WorkerRoute.Read(Settings.Of(("AGENT_SERVICE", service), ("AGENT_ROLE", role))));

        Assert.Contains(words, thrown.Message, StringComparison.Ordinal);
        Assert.Contains("AGENT_SERVICE=orchestrator AGENT_ROLE=execute", thrown.Message, StringComparison.Ordinal);
    }
}
