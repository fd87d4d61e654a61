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
            new HashSet<string> { "postgres", "cogo", "migrate", "api", "executor-dispatcher", "codegen-worker", "buildtest-worker", "workflow-worker", "indexing-worker", "job-worker", "runtime-agent" },
            names.ToHashSet());
    }

    [Theory]
    [InlineData("executor-dispatcher", "orchestrator", "execute")]
    [InlineData("codegen-worker", "codegen", "generate")]
    [InlineData("buildtest-worker", "code", "build-test")]
    [InlineData("workflow-worker", "workflow", "run")]
    [InlineData("indexing-worker", "workflow", "indexing")]
    public async Task A_worker_is_given_its_route_and_the_database(string name, string service, string role)
    {
        var environment = await EnvironmentAsync(name);

        Assert.Equal(service, environment["AGENT_SERVICE"]);
        Assert.Equal(role, environment["AGENT_ROLE"]);
        Assert.Equal("0", environment["AGENT_SHARD"]);
        Assert.Contains("ConnectionStrings__cogo", environment.Keys);
    }

    [Fact]
    public async Task The_job_worker_reads_the_database()
    {
        var environment = await EnvironmentAsync("job-worker");

        Assert.Equal("db", environment["WORKER_MODE"]);
        Assert.DoesNotContain("AGENT_SERVICE", environment.Keys);
    }

    [Theory]
    [InlineData("api")]
    [InlineData("executor-dispatcher")]
    [InlineData("codegen-worker")]
    [InlineData("buildtest-worker")]
    [InlineData("workflow-worker")]
    [InlineData("job-worker")]
    public async Task Everything_that_reads_the_schema_waits_for_the_migration(string name)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>();

        var waits = builder.Resources.Single(resource => resource.Name == name).Annotations.OfType<WaitAnnotation>();

        Assert.Contains(waits, wait => wait.Resource.Name == "migrate" && wait.WaitType == WaitType.WaitForCompletion);
    }

    [Fact]
    public async Task Only_the_API_is_reached_from_outside()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>();

        var outside = builder.Resources.Where(resource => resource.Annotations.OfType<EndpointAnnotation>().Any(endpoint => endpoint.IsExternal)).Select(resource => resource.Name);

        Assert.Equal(["api"], outside);
    }

    [Fact]
    public async Task An_existing_database_takes_the_place_of_the_server()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>(["--ConnectionStrings:cogo=Host=db;Database=cogo;Username=cogo"]);

        var names = builder.Resources.Select(resource => resource.Name).ToList();

        Assert.Contains("cogo", names);
        Assert.DoesNotContain("postgres", names);
    }

    private static async Task<Dictionary<string, string>> EnvironmentAsync(string name)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>();
        var resource = (IResourceWithEnvironment)builder.Resources.Single(resource => resource.Name == name);
        return await resource.GetEnvironmentVariableValuesAsync(DistributedApplicationOperation.Publish);
    }
}
