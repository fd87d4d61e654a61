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

    [Fact]
    public async Task A_bucket_takes_the_place_of_the_shared_folder()
    {
        foreach (var name in (string[])["api", "codegen-worker", "buildtest-worker", "job-worker"])
        {
            var environment = await EnvironmentAsync(
                name, "--ARTIFACTS_S3_BUCKET=artifacts", "--ARTIFACTS_S3_REGION=eu-central-1", "--Parameters:artifacts-s3-access-key-id=id", "--Parameters:artifacts-s3-secret-access-key=key");

            Assert.Equal("artifacts", environment["ARTIFACTS_S3_BUCKET"]);
            Assert.Equal("eu-central-1", environment["ARTIFACTS_S3_REGION"]);
            Assert.DoesNotContain("ARTIFACTS_S3_ENDPOINT", environment.Keys);
            // By reference: what is published names the parameter and never holds its value.
            Assert.Equal("{artifacts-s3-secret-access-key.value}", environment["ARTIFACTS_S3_SECRET_ACCESS_KEY"]);
        }
    }

    [Fact]
    public async Task The_server_writes_a_log_that_can_be_followed_row_by_row()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>();
        var arguments = new List<object>();
        foreach (var annotation in builder.Resources.Single(resource => resource.Name == "postgres").Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(new CommandLineArgsCallbackContext(arguments));
        }

        Assert.Contains("wal_level=logical", arguments);
    }

    [Fact]
    public async Task The_API_links_to_its_pages_and_takes_commands()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>();

        var commands = builder.Resources.Single(resource => resource.Name == "api").Annotations.OfType<ResourceCommandAnnotation>().Select(command => command.Name);

        Assert.Superset(new HashSet<string> { "replay-dlq", "run-sample" }, commands.ToHashSet());
    }

    [Fact]
    public async Task Replicas_are_a_setting()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>(["--Replicas:codegen-worker=4"]);

        Assert.Equal(4, builder.Resources.Single(resource => resource.Name == "codegen-worker").Annotations.OfType<ReplicaAnnotation>().Single().Replicas);
    }

    private static async Task<Dictionary<string, string>> EnvironmentAsync(string name, params string[] settings)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>(settings);
        var resource = (IResourceWithEnvironment)builder.Resources.Single(resource => resource.Name == name);
        return await resource.GetEnvironmentVariableValuesAsync(DistributedApplicationOperation.Publish);
    }
}
