using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Xunit;

namespace Cogo.AppHost.Tests;

public class ResourcesTests
{
    [Fact]
    public async Task Every_part_of_Cogo_is_a_resource()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>();

        var names = builder.Resources.Select(resource => resource.Name).ToList();

        Assert.Superset(
            new HashSet<string> { "postgres", "cogo", "migrate", "api", "executor-dispatcher", "codegen-worker", "buildtest-worker", "workflow-worker", "runtime-agent" },
            names.ToHashSet());
    }

    [Theory]
    [InlineData("executor-dispatcher", "orchestrator", "execute")]
    [InlineData("codegen-worker", "codegen", "generate")]
    [InlineData("buildtest-worker", "code", "build-test")]
    [InlineData("workflow-worker", "workflow", "run")]
    public async Task A_worker_is_given_its_route_and_the_database(string name, string service, string role)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>();
        var worker = (IResourceWithEnvironment)builder.Resources.Single(resource => resource.Name == name);

        var environment = await worker.GetEnvironmentVariableValuesAsync(DistributedApplicationOperation.Publish);

        Assert.Equal(service, environment["AGENT_SERVICE"]);
        Assert.Equal(role, environment["AGENT_ROLE"]);
        Assert.Equal("0", environment["AGENT_SHARD"]);
        Assert.Contains("ConnectionStrings__cogo", environment.Keys);
    }
}
