using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Deploy;

/// <summary>
/// A Docker engine of one test with its own folder, socket and network, so that the machine's firewall and bridges are
/// left as they are, and a registry in that network that serves the base image. Both end with the test, and nothing of
/// them stays but the base image in the cache.
/// </summary>
internal sealed class ContainerEngine : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _running = [];
    private readonly ConcurrentQueue<string> _log = new();
    private const int Port = 5000;

    private Process? _engine;

    private ContainerEngine() => Environment = new Dictionary<string, string> { ["DOCKER_HOST"] = $"unix://{Socket}" };

    /// <summary>For programs that talk to the engine.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Holds git, Postgres and the .NET runtime.</summary>
    public static string BaseImage => $"localhost:{Port}/cogo-test-base:1";

    private string[] Inside => [$"--net=/proc/{_engine!.Id}/ns/net", "--"];

    private string Socket => _folder.In("docker.sock");

    /// <summary>Skips the test where no engine can be started, and says what is missing.</summary>
    public static async Task<ContainerEngine> StartAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && System.Environment.IsPrivilegedProcess, "THE IMAGES AND THE COMPOSE STACK WERE NOT TESTED: only root on Linux can start a Docker engine.");
        var missing = new[] { "dockerd", "docker", "docker-compose", "docker-registry", "debootstrap", "iptables", "ip", "nsenter" }.Where(program => !Shell.Has(program)).ToList();
        Assert.SkipUnless(missing.Count == 0, $"THE IMAGES AND THE COMPOSE STACK WERE NOT TESTED: {string.Join(", ", missing)} not found (Debian: apt-get install docker.io docker-compose docker-registry debootstrap iptables iproute2).");
        var engine = new ContainerEngine();
        try
        {
            if (await engine.StartEngineAsync() is { } problem)
            {
                await engine.DisposeAsync();
                Assert.Skip($"THE IMAGES AND THE COMPOSE STACK WERE NOT TESTED: no Docker engine starts here: {problem}");
            }

            await engine.StartRegistryAsync();
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>For requests to published ports.</summary>
    public SocketsHttpHandler Handler() => NetworkNamespace.HandlerOf(_engine!.Id);

    /// <summary>Runs a program in the engine's network, where the registry is.</summary>
    public Task<string> RunInsideAsync(string program, IReadOnlyList<string> arguments, int seconds) =>
        Shell.RunAsync("nsenter", [.. Inside, program, .. arguments], Environment, seconds: seconds);

    public Task<string> DockerAsync(params string[] arguments) => Shell.RunAsync("docker", arguments, Environment);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in Enumerable.Reverse(_running))
        {
            await StopAsync(process);
        }

        _folder.Dispose();
    }

    /// <returns>Why it does not run; null when it does.</returns>
    private async Task<string?> StartEngineAsync()
    {
        string[] arguments = ["--data-root", _folder.In("engine"), "--exec-root", _folder.In("exec"), "--pidfile", _folder.In("docker.pid"), "--host", $"unix://{Socket}"];
        var engine = Run("unshare", ["--net", "sh", "-c", "ip link set lo up && exec dockerd \"$@\"", "dockerd", .. arguments]);
        _engine = engine;
        await Eventually.BecomesTrueAsync(
            async () => engine.HasExited || (await Shell.TryAsync("docker", ["version"], Environment, seconds: 30)).Code == 0, "an answer of the Docker engine", seconds: 60);
        return engine.HasExited ? string.Join(' ', _log.TakeLast(3)) : null;
    }

    private async Task StartRegistryAsync()
    {
        var dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var script = Repository.PathOf("Cogo.Tests/Deploy/base-image.sh");
        var version = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{await File.ReadAllTextAsync(script)} {RuntimeEnvironment.GetSystemVersion()}")))[..12];
        var cache = Path.Combine(System.Environment.GetEnvironmentVariable("COGO_CACHE") is { Length: > 0 } folder ? folder : "/var/cache/cogo", $"test-base-image-{version}");
        var storage = Directory.Exists(cache) ? cache : _folder.In("registry");
        var configuration = _folder.In("registry.yml");
        await File.WriteAllTextAsync(configuration, $$"""
            version: 0.1
            storage: { filesystem: { rootdirectory: {{storage}} } }
            http: { addr: "127.0.0.1:{{Port}}" }
            """);
        var registry = Run("nsenter", [.. Inside, "docker-registry", "serve", configuration]);
        await Eventually.BecomesTrueAsync(() => IsOpenAsync(registry), "an answer of the registry");
        if (storage != cache)
        {
            var root = _folder.In("root");
            await Shell.RunAsync("sh", [script, root, dotnet], seconds: 420);
            var tar = _folder.In("root.tar");
            await Shell.RunAsync("tar", ["-C", root, "-cf", tar, "."]);
            await DockerAsync("import", "--change", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", tar, BaseImage);
            File.Delete(tar);
            await DockerAsync("push", "--quiet", BaseImage);
            Directory.CreateDirectory(Path.GetDirectoryName(cache)!);
            await Shell.RunAsync("cp", ["-a", storage, cache + ".new"]);
            Directory.Move(cache + ".new", cache);
        }
        else
        {
            await DockerAsync("pull", "--quiet", BaseImage);
        }
    }

    private async Task<bool> IsOpenAsync(Process registry)
    {
        Assert.False(registry.HasExited, "docker-registry ended.");
        using var http = new HttpClient(Handler());
        try
        {
            using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{Port}/v2/"));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private Process Run(string program, string[] arguments)
    {
        var process = Shell.Start(program, arguments, null, _folder.Path, _log.Enqueue, _log.Enqueue);
        _running.Add(process);
        return process;
    }

    private static async Task StopAsync(Process process)
    {
        if (!process.HasExited)
        {
            // The engine ends its containers and containerd, and unmounts what it mounted.
            await Shell.TryAsync("kill", ["-TERM", $"{process.Id}"]);
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            await process.WaitForExitAsync(deadline.Token);
        }

        process.Dispose();
    }
}
