using System.Text.RegularExpressions;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Deploy;

/// <summary>The Aspire host, the compose file and the chart say the same of names, images, ports and environment.</summary>
public partial class AgreementTests
{
    private static readonly string[] Workers = ["executor-dispatcher", "codegen-worker", "buildtest-worker", "workflow-worker", "indexing-worker", "job-worker"];

    private static readonly Lazy<Task<Dictionary<string, Component>>> Compose = new(ReadComposeAsync);
    private static readonly Lazy<Task<Dictionary<string, Component>>> Chart = new(ReadChartAsync);

    [Fact]
    public async Task Names_and_images_agree()
    {
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["api"] = "cogo-agent-core",
            ["migrate"] = "cogo-cli",
            ["runtime-agent"] = "cogo-runtime-agent",
        };
        foreach (var worker in Workers)
        {
            expected[worker] = $"cogo-{worker}";
        }

        Assert.Equal(expected, Images(await Compose.Value));
        Assert.Equal(expected, Images(await Chart.Value));
        var host = HostSource();
        Assert.All(expected, part => Assert.Contains(part.Key, host.Names));
        Assert.Equal(expected.Keys.Append("cogo").Append("postgres").Order(StringComparer.Ordinal), host.Names.Order(StringComparer.Ordinal));
        Assert.Equal(expected.Values.Except(Workers.Select(worker => $"cogo-{worker}")).Order(), host.Images.Order());
        var built = ImageNames().Matches(File.ReadAllText(Repository.PathOf("build/Images.proj"))).Select(match => match.Groups["name"].Value);
        Assert.Equal(expected.Values.Order(), built.Order());
    }

    [Fact]
    public async Task Ports_agree_and_are_what_the_programs_listen_on()
    {
        var (compose, chart) = (await Compose.Value, await Chart.Value);
        foreach (var (name, port) in (ReadOnlySpan<(string, string)>)[("api", "3000"), ("runtime-agent", "3100"), .. Workers.Select(worker => (worker, "8080"))])
        {
            Assert.Equal(port, compose[name].Environment["PORT"]);
            Assert.Equal(port, chart[name].Environment["PORT"]);
        }

        var text = File.ReadAllText(Repository.PathOf("Cogo.AppHost/AppHost.cs"));
        Assert.Equal(["3000", "3100", "8080"], TargetPorts().Matches(text).Select(match => match.Groups["port"].Value).Order());
        Assert.Contains("outside: 3001", text, StringComparison.Ordinal);
        Assert.Contains("${API_PORT:-3001}:3000", File.ReadAllText(Repository.PathOf("deploy/compose/compose.yaml")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_workers_route_agrees()
    {
        var (compose, chart) = (await Compose.Value, await Chart.Value);
        var text = File.ReadAllText(Repository.PathOf("Cogo.AppHost/AppHost.cs"));
        foreach (var worker in Workers)
        {
            var block = text[text.IndexOf($"Worker(\"{worker}\")", StringComparison.Ordinal)..];
            block = block[..block.IndexOf(';', StringComparison.Ordinal)];
            foreach (var variable in (string[])["AGENT_SERVICE", "AGENT_ROLE", "AGENT_SHARD", "WORKER_MODE"])
            {
                var host = Regex.Match(block, $"\"{variable}\", \"(?<value>[^\"]+)\"", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
                var value = host.Success ? host.Groups["value"].Value : null;
                Assert.Equal(value, compose[worker].Environment.GetValueOrDefault(variable));
                Assert.Equal(value, chart[worker].Environment.GetValueOrDefault(variable));
            }
        }
    }

    [Fact]
    public async Task The_artifacts_are_in_one_place_everywhere()
    {
        foreach (var part in (await Compose.Value).Concat(await Chart.Value).Where(part => part.Key is not ("runtime-agent" or "migrate")))
        {
            Assert.Equal("/app/artifacts", part.Value.Environment["ARTIFACTS_BASE"]);
        }
    }

    [Fact]
    public async Task S3_is_set_up_by_the_same_settings_everywhere()
    {
        var compose = await Compose.Value;
        var (manifests, refusal) = await ManifestTools.RenderAsync("database.host=db", "database.passwordSecret.name=cogo", "artifacts.s3.bucket=b", "artifacts.s3.region=eu-central-1", "artifacts.s3.secret.name=s3");
        Assert.Equal("", refusal);
        var chart = Components(manifests);
        var host = await File.ReadAllTextAsync(Repository.PathOf("Cogo.AppHost/ArtifactStorage.cs"));
        var documented = Documented().Matches(await File.ReadAllTextAsync(Repository.PathOf("docs/configuration.md"))).Select(match => match.Groups["name"].Value).ToHashSet();
        foreach (var name in documented.Where(name => name is not ("ARTIFACTS_BASE" or "ARTIFACTS_EXPIRE_DAYS")))
        {
            Assert.Contains($"\"{name}\"", host, StringComparison.Ordinal);
            var secret = name.Contains("ACCESS_KEY", StringComparison.Ordinal);
            foreach (var part in (string[])["api", .. Workers])
            {
                Assert.Equal(!secret, compose[part].Environment.ContainsKey(name));
                Assert.Equal(!secret, chart[part].Environment.ContainsKey(name));
            }
        }

        var file = await ManifestTools.YamlAsync("deploy/compose/compose.yaml");
        foreach (var part in (string[])["api", "migrate", "codegen-worker", "buildtest-worker", "indexing-worker", "job-worker"])
        {
            Assert.Superset(
                new HashSet<string?> { "ARTIFACTS_S3_ACCESS_KEY_ID", "ARTIFACTS_S3_SECRET_ACCESS_KEY" },
                file.GetProperty("services").GetProperty(part).GetProperty("secrets").EnumerateArray().Select(name => name.GetString()).ToHashSet());
        }
    }

    [Fact]
    public async Task No_environment_holds_a_secret()
    {
        foreach (var (name, value) in (await Compose.Value).Concat(await Chart.Value).SelectMany(part => part.Value.Environment))
        {
            Assert.False(name.EndsWith("_KEY", StringComparison.Ordinal) || name.EndsWith("_TOKEN", StringComparison.Ordinal) || name.EndsWith("PASSWORD", StringComparison.Ordinal), name);
            Assert.DoesNotContain("Password=", value, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task Every_setting_that_compose_reads_is_in_its_example()
    {
        var example = File.ReadLines(Repository.PathOf("deploy/compose/.env.example")).Select(line => line.TrimStart('#').Split('=')[0]).ToHashSet();
        var read = Variables().Matches(await File.ReadAllTextAsync(Repository.PathOf("deploy/compose/compose.yaml"))).Select(match => match.Groups["name"].Value).Distinct();

        Assert.Empty(read.Except(example));
    }

    private static SortedDictionary<string, string> Images(Dictionary<string, Component> parts) =>
        new(parts.ToDictionary(part => part.Key, part => part.Value.Image), StringComparer.Ordinal);

    private static (List<string> Names, List<string> Images) HostSource()
    {
        var text = File.ReadAllText(Repository.PathOf("Cogo.AppHost/AppHost.cs"));
        return (
            [.. ResourceNames().Matches(text).Select(match => match.Groups["name"].Value).Distinct()],
            [.. DeployedImages().Matches(text).Select(match => match.Groups["image"].Value).Distinct()]);
    }

    private static async Task<Dictionary<string, Component>> ReadComposeAsync()
    {
        var file = await ManifestTools.YamlAsync("deploy/compose/compose.yaml");
        return file.GetProperty("services").EnumerateObject()
            .Where(service => service.Name is not ("postgres" or "folders"))
            .ToDictionary(
                service => service.Name,
                service => new Component(
                    service.Value.GetProperty("image").GetString()!.Replace("${COGO_REGISTRY:-}", "", StringComparison.Ordinal).Split(':')[0],
                    service.Value.GetProperty("environment").EnumerateObject().ToDictionary(variable => variable.Name, variable => variable.Value.GetString()!)));
    }

    private static async Task<Dictionary<string, Component>> ReadChartAsync()
    {
        var (manifests, refusal) = await ManifestTools.RenderAsync("database.host=db", "database.passwordSecret.name=cogo", "runtimeAgent.enabled=true");
        Assert.Equal("", refusal);
        return Components(manifests);
    }

    private static Dictionary<string, Component> Components(IEnumerable<System.Text.Json.JsonElement> manifests) => manifests
        .Where(manifest => manifest.GetProperty("kind").GetString() is "Deployment" or "Job")
            .Select(manifest => manifest.GetProperty("spec").GetProperty("template").GetProperty("spec").GetProperty("containers")[0])
            .ToDictionary(
                container => container.GetProperty("name").GetString()!,
                container => new Component(
                    container.GetProperty("image").GetString()!.Split(':')[0],
                    container.GetProperty("env").EnumerateArray().Where(variable => variable.TryGetProperty("value", out _))
                        .ToDictionary(variable => variable.GetProperty("name").GetString()!, variable => variable.GetProperty("value").GetString()!)));

    private sealed record Component(string Image, Dictionary<string, string> Environment);

    [GeneratedRegex("""(AddProject<[^>]+>|AddPostgres|AddDatabase|\bWorker)\("(?<name>[a-z-]+)"\)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ResourceNames();

    [GeneratedRegex("""deployment\.(Once|Service)\(\w+, "(?<image>[a-z-]+)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DeployedImages();

    [GeneratedRegex(@"targetPort: publish \? (?<port>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TargetPorts();

    [GeneratedRegex("""<Image Include="(?<name>[a-z-]+)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ImageNames();

    [GeneratedRegex(@"\$\{(?<name>[A-Z0-9_]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Variables();

    [GeneratedRegex("`(?<name>ARTIFACTS_[A-Z0-9_]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Documented();
}
