using System.Text.Json;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Hosting;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Cogo.Tests.Deploy;

/// <summary>What the build says of images, without an engine.</summary>
public class ImageTests
{
    [Theory]
    [InlineData("dev-20260105083730")]
    [InlineData("v0.1.0")]
    [InlineData("v12.0.3-09932a5")]
    public async Task A_tag_that_says_which_build_it_is_is_taken(string tag)
    {
        var (code, output, _) = await CheckAsync(tag);

        Assert.True(code == 0, output);
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("dev-20261305083730")]
    [InlineData("v1.2")]
    public async Task Another_tag_is_refused_with_the_form_it_must_have(string tag)
    {
        var (code, output, _) = await CheckAsync(tag);

        Assert.NotEqual(0, code);
        Assert.Contains($"'{tag}' is no tag for cogo-agent-core: use dev-YYYYMMDDHHmmss (UTC)", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("executor-dispatcher", "orchestrator/execute/0")]
    [InlineData("codegen-worker", "codegen/generate/0")]
    [InlineData("buildtest-worker", "code/build-test/0")]
    [InlineData("workflow-worker", "workflow/run/0")]
    [InlineData("indexing-worker", "workflow/indexing/0")]
    [InlineData("job-worker", null)]
    public async Task A_workers_image_knows_its_work_and_is_not_root(string worker, string? route)
    {
        var evaluated = await Shell.RunAsync(
            "dotnet", ["msbuild", Repository.PathOf("Cogo.Workers/Cogo.Workers.csproj"), "-nologo", $"-p:ContainerRepository=cogo-{worker}", "-getProperty:ContainerUser", "-getItem:ContainerEnvironmentVariable"]);
        var root = JsonDocument.Parse(evaluated).RootElement;
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(root.GetProperty("Items").GetProperty("ContainerEnvironmentVariable").EnumerateArray()
            .Select(variable => KeyValuePair.Create(variable.GetProperty("Identity").GetString()!, (string?)variable.GetProperty("Value").GetString()))).Build();

        Assert.Equal("1654:1654", root.GetProperty("Properties").GetProperty("ContainerUser").GetString());
        Assert.Equal("8080", configuration["PORT"]);
        Assert.Equal(route is null ? WorkerMode.Database : WorkerMode.Bus, WorkerMode.Read(configuration));
        if (route is not null)
        {
            Assert.Equal(route, WorkerRoute.Read(configuration).ToString());
        }
    }

    private static Task<(int Code, string Output, string Error)> CheckAsync(string tag) => Shell.TryAsync(
        "dotnet", ["msbuild", Repository.PathOf("Cogo.Api/Cogo.Api.csproj"), "-nologo", "-v:q", "-t:CheckImageTag", $"-p:ImageTag={tag}"]);
}
