using System.Text;
using System.Text.Json;
using Cogo.Tests.Fixtures;
using Xunit;

[assembly: AssemblyFixture(typeof(Cogo.Tests.Deploy.ManifestTools))]

namespace Cogo.Tests.Deploy;

/// <summary>What renders and checks manifests: the template engine of Helm, and the Kubernetes API as types. Made once a run.</summary>
public sealed class ManifestTools : IDisposable
{
    private static readonly Lazy<TemporaryFolder> Folder = new(() => new TemporaryFolder());
    private static readonly Lazy<Task<string>> Renderer = new(BuildAsync);
    private static readonly Lazy<Task<string>> Types = new(RestoreTypesAsync);

    private static readonly Dictionary<string, string> Modules = new()
    {
        ["v1"] = "core/v1",
        ["apps/v1"] = "apps/v1",
        ["batch/v1"] = "batch/v1",
        ["policy/v1"] = "policy/v1",
        ["autoscaling/v2"] = "autoscaling/v2",
        ["networking.k8s.io/v1"] = "networking/v1",
    };

    /// <summary>The chart's manifests, or the sentence it refuses with.</summary>
    internal static async Task<(List<JsonElement> Manifests, string Refusal)> RenderAsync(params string[] values)
    {
        var (code, output, error) = await Shell.TryAsync(await RendererAsync(), [Repository.PathOf("deploy/helm/cogo"), .. values.SelectMany(value => new[] { "--set", value })]);
        return code == 0 ? ([.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)], "") : ([], error);
    }

    internal static async Task<JsonElement> YamlAsync(string file) =>
        JsonDocument.Parse(await Shell.RunAsync(await RendererAsync(), ["--yaml", Repository.PathOf(file)])).RootElement;

    /// <summary>What the types of the Kubernetes API have against the manifests: unknown fields, wrong types. Custom resources have no types here.</summary>
    internal static async Task<string> TypeErrorsAsync(IEnumerable<JsonElement> manifests)
    {
        Assert.SkipUnless(Shell.Has("npm"), "THE MANIFESTS WERE NOT CHECKED against the Kubernetes API: npm not found (Debian: apt-get install npm).");
        var folder = await Types.Value;
        var source = new StringBuilder();
        foreach (var (manifest, number) in manifests.Select((manifest, number) => (manifest, number)))
        {
            if (Modules.TryGetValue(manifest.GetProperty("apiVersion").GetString()!, out var module))
            {
                source.AppendLine($"import type {{ {manifest.GetProperty("kind").GetString()} as T{number} }} from \"kubernetes-types/{module}\";");
                source.AppendLine($"export const m{number}: T{number} = {manifest.GetRawText()};");
            }
        }

        var file = $"manifests-{Guid.NewGuid():N}.ts";
        await File.WriteAllTextAsync(Path.Combine(folder, file), source.ToString());
        var (code, output, error) = await Shell.TryAsync(Path.Combine(folder, "node_modules", ".bin", "tsc"), ["--noEmit", "--strict", "--skipLibCheck", file], folder: folder);
        return code == 0 ? "" : output + error;
    }

    public void Dispose()
    {
        if (Folder.IsValueCreated)
        {
            Folder.Value.Dispose();
        }
    }

    private static Task<string> RendererAsync()
    {
        Assert.SkipUnless(
            Shell.Has("go") && Directory.Exists("/usr/share/gocode/src/github.com/Masterminds/sprig"),
            "THE CHART WAS NOT RENDERED: Go or sprig not found (Debian: apt-get install golang-go golang-github-masterminds-sprig-dev golang-gopkg-yaml.v3-dev).");
        return Renderer.Value;
    }

    private static async Task<string> BuildAsync()
    {
        var program = Folder.Value.In("helm-template");
        var environment = new Dictionary<string, string> { ["GO111MODULE"] = "off", ["GOPATH"] = "/usr/share/gocode", ["GOCACHE"] = Folder.Value.In("go-cache"), ["GOFLAGS"] = "" };
        await Shell.RunAsync("go", ["build", "-o", program, Repository.PathOf("Cogo.Tests/Deploy/helm-template/main.go")], environment);
        return program;
    }

    private static async Task<string> RestoreTypesAsync()
    {
        var folder = Directory.CreateDirectory(Folder.Value.In("types")).FullName;
        foreach (var file in Directory.GetFiles(Repository.PathOf("Cogo.Tests/Deploy/manifest-types")))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        await Shell.RunAsync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], folder: folder);
        return folder;
    }
}
