using System.Net;
using System.Net.Sockets;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Deploy;

/// <summary>deploy/compose/check.sh: what compose lacks, before it is asked. Docker is a script that says which version it is.</summary>
public sealed class ComposeCheckTests : IDisposable
{
    private static readonly string[] Secrets = ["COGO_DATABASE_PASSWORD", "OPENAI_API_KEY", "FIGMA_API_TOKEN", "ARTIFACTS_S3_ACCESS_KEY_ID", "ARTIFACTS_S3_SECRET_ACCESS_KEY"];

    private readonly TemporaryFolder _folder = new();

    public ComposeCheckTests()
    {
        Directory.CreateDirectory(_folder.In("bin"));
        Directory.CreateDirectory(_folder.In("compose", "secrets"));
        File.Copy(Repository.PathOf("deploy/compose/check.sh"), _folder.In("compose", "check.sh"));
        File.Copy(Repository.PathOf("deploy/compose/.env.example"), _folder.In("compose", ".env"));
        foreach (var secret in Secrets)
        {
            File.WriteAllText(_folder.In("compose", "secrets", secret), "x");
        }

        // Only these: the machine's own docker is not to be found.
        foreach (var tool in (string[])["sed", "tail", "tr", "cat", "awk", "dirname"])
        {
            var place = (string[])["/usr/bin", "/bin"];
            File.CreateSymbolicLink(_folder.In("bin", tool), place.Select(folder => Path.Combine(folder, tool)).First(File.Exists));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("28.3.1", "2.38.2")]
    [InlineData("20.10.24+dfsg1", "2.0.1")]
    [InlineData("28.3.1", null)]
    public async Task What_is_recent_enough_and_complete_is_ready(string engine, string? plugin)
    {
        Docker(engine, plugin, standalone: "1.29.2");

        var (code, output, error) = await CheckAsync();

        Assert.Equal((0, "", "check: ready for docker compose up.\n"), (code, error, output));
    }

    [Fact]
    public async Task No_Docker_is_told()
    {
        var (code, _, error) = await CheckAsync();

        Assert.Equal((2, "check: docker is not installed: install Docker 20.10 or later.\n"), (code, error));
    }

    [Theory]
    [InlineData(null, null, null, "The Docker engine does not answer: start it")]
    [InlineData("19.03.15", "2.38.2", null, "The Docker engine is 19.03.15: install 20.10 or later.")]
    [InlineData("20.9.0", "2.38.2", null, "The Docker engine is 20.9.0: install 20.10 or later.")]
    [InlineData("28.3.1", null, "1.28.5", "docker-compose is 1.28.5: install 1.29 or later.")]
    [InlineData("28.3.1", "v1.9.0", null, "docker compose is v1.9.0: install 2.0 or later.")]
    [InlineData("28.3.1", null, null, "Docker has no compose: install its compose plugin")]
    public async Task An_old_or_silent_Docker_is_told(string? engine, string? plugin, string? standalone, string sentence)
    {
        Docker(engine, plugin, standalone);

        var (code, _, error) = await CheckAsync();

        Assert.Equal(2, code);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Docker("28.3.1", "2.38.2", null);

        var (code, _, error) = await CheckAsync(("API_PORT", $"{port}"));

        Assert.Equal((2, $"check: Port {port} is taken: end what listens there, or set API_PORT in .env.\n"), (code, error));
    }

    [Fact]
    public async Task Missing_parameters_and_secrets_are_told_all_at_once()
    {
        Docker("28.3.1", "2.38.2", null);
        await File.WriteAllTextAsync(_folder.In("compose", ".env"), "COGO_TAG=\nAPI_PORT=web\n");
        await File.WriteAllTextAsync(_folder.In("compose", "secrets", "COGO_DATABASE_PASSWORD"), "");
        File.Delete(_folder.In("compose", "secrets", "FIGMA_API_TOKEN"));

        var (code, _, error) = await CheckAsync();

        Assert.Equal(3, code);
        Assert.Contains("COGO_TAG is not set: put the tag of the images", error, StringComparison.Ordinal);
        Assert.Contains("API_PORT is 'web': set it to a number.", error, StringComparison.Ordinal);
        Assert.Contains("secrets/COGO_DATABASE_PASSWORD is empty", error, StringComparison.Ordinal);
        Assert.Contains("secrets/FIGMA_API_TOKEN is missing", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_knows_every_secret_of_the_compose_file()
    {
        var file = await ManifestTools.YamlAsync("deploy/compose/compose.yaml");

        Assert.Equal(Secrets.Order(), file.GetProperty("secrets").EnumerateObject().Select(secret => secret.Name).Order());
        var script = await File.ReadAllTextAsync(_folder.In("compose", "check.sh"));
        Assert.All(Secrets, secret => Assert.Contains(secret, script, StringComparison.Ordinal));
    }

    private Task<(int Code, string Output, string Error)> CheckAsync(params (string Name, string Value)[] variables)
    {
        var environment = variables.ToDictionary(variable => variable.Name, variable => variable.Value);
        environment["PATH"] = _folder.In("bin");
        return Shell.TryAsync("/bin/sh", [_folder.In("compose", "check.sh")], environment);
    }

    private void Docker(string? engine, string? plugin, string? standalone)
    {
        Script("docker", $$"""
            case "$1" in
              version) {{Says(engine)}} ;;
              compose) {{Says(plugin)}} ;;
            esac
            """);
        if (standalone is not null)
        {
            Script("docker-compose", Says(standalone));
        }
    }

    private static string Says(string? version) => version is null ? "exit 1" : $"echo {version}";

    private void Script(string name, string body)
    {
        File.WriteAllText(_folder.In("bin", name), $"#!/bin/sh\n{body}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_folder.In("bin", name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
