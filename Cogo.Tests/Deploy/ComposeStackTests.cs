using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Cogo.Tests.EndToEnd;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Workspaces;
using Xunit;

namespace Cogo.Tests.Deploy;

/// <summary>The images built and the stack of deploy/compose run on a real engine.</summary>
[Collection(Alone.Name)]
public class ComposeStackTests
{
    private static readonly string[] Workers = ["executor-dispatcher", "codegen-worker", "buildtest-worker", "workflow-worker", "indexing-worker", "job-worker"];

    [Fact]
    public async Task The_stack_runs_a_task_to_green_survives_killed_workers_and_shows_no_secret()
    {
        await using var engine = await ContainerEngine.StartAsync();
        var tag = $"dev-{TimeProvider.System.GetUtcNow().ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)}";
        await engine.RunInsideAsync(
            "dotnet",
            ["build", Repository.PathOf("build/Images.proj"), "-nologo", "-v", "q", "-nodeReuse:false", "-p:UseSharedCompilation=false", $"-p:ImageTag={tag}", $"-p:ContainerBaseImage={ContainerEngine.BaseImage}"],
            seconds: 420);

        using var folder = new TemporaryFolder();
        await using var stack = await ComposeStack.UpAsync(engine, folder, tag);
        using var client = new PipelineClient(stack.Address, engine.Handler());
        await GreenAsync(stack, client, folder);
        await AdminAsync(engine, stack);
        await KilledAsync(stack, client, folder);
        await ConfinedAsync(engine, stack);
    }

    private static async Task GreenAsync(ComposeStack stack, PipelineClient client, TemporaryFolder folder)
    {
        SampleRepository.Create("shell", folder.In("repositories"));

        var trace = await client.SubmitAsync(new { repo = "/repositories/shell", engine = "patch", patch = SampleRepository.Patch("shell", "good") });
        var verdict = await client.VerdictAsync(trace, seconds: 120);

        Assert.True(verdict.GetProperty("verdict").GetString() == "passed", $"{verdict}\n{await stack.LogsAsync()}");
        // Written by one container, read by another: the artifacts are shared.
        var report = await client.ArtifactAsync($"{PipelineClient.Events(verdict).Last().GetProperty("data").GetProperty("task_id").GetString()}/build-test/report.json");
        Assert.Equal(6, report.GetProperty("tests").GetProperty("passed").GetInt32());
    }

    private static async Task AdminAsync(ContainerEngine engine, ComposeStack stack)
    {
        using var http = new HttpClient(engine.Handler()) { BaseAddress = stack.Address };
        using var refused = await http.GetAsync(new Uri("/api/admin/notify/weekly", UriKind.Relative));
        http.DefaultRequestHeaders.Add("x-admin-token", stack.AdminToken);
        using var answered = await http.GetAsync(new Uri("/api/admin/notify/weekly", UriKind.Relative));

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (refused.StatusCode, answered.StatusCode));
    }

    private static async Task KilledAsync(ComposeStack stack, PipelineClient client, TemporaryFolder folder)
    {
        var signals = Directory.CreateDirectory(folder.In("repositories", "signals")).FullName;
        var repository = new GitRepository(folder.In("repositories", "slow"), empty: true);
        repository.Write("cogo.json", """{ "test": "sh test.sh" }""");
        repository.Write("test.sh", "until [ -e /repositories/signals/go ]; do sleep 0.1; done\nprintf 'TAP version 13\\n1..1\\nok 1 - waited\\n' > \"$COGO_RESULTS/slow.tap\"\n");
        repository.Commit("A test that waits");

        // These two are dead when the task comes, the third dies in the middle of the build.
        await stack.KillAsync("executor-dispatcher");
        await stack.KillAsync("codegen-worker");
        var trace = await client.SubmitAsync(new { repo = "/repositories/slow", engine = "patch", patch = SlowProject.Patch });
        await stack.StartAsync("executor-dispatcher");
        await stack.StartAsync("codegen-worker");
        await Eventually.BecomesAsync(
            () => client.TraceAsync(trace), seen => seen.ValueKind == JsonValueKind.Object && seen.ToString().Contains("\"stage\":\"test\"", StringComparison.Ordinal), "a running test", seconds: 120);
        await stack.KillAsync("buildtest-worker");
        await File.WriteAllTextAsync(Path.Combine(signals, "go"), "");
        await stack.StartAsync("buildtest-worker");

        var verdict = await client.VerdictAsync(trace, seconds: 120);
        Assert.True(verdict.GetProperty("verdict").GetString() == "passed", $"{verdict}\n{await stack.LogsAsync()}");
        Assert.Equal(2, PipelineClient.Events(verdict).Last().GetProperty("attempt").GetInt32());
    }

    private static async Task ConfinedAsync(ContainerEngine engine, ComposeStack stack)
    {
        foreach (var service in (string[])[.. Workers, "api", "migrate", "postgres", "folders"])
        {
            var text = await engine.DockerAsync("inspect", await stack.ContainerAsync(service));
            Assert.DoesNotContain(stack.Password, text, StringComparison.Ordinal);
            if (service is "postgres" or "folders")
            {
                continue;
            }

            var container = JsonDocument.Parse(text).RootElement[0];
            Assert.Equal("1654:1654", container.GetProperty("Config").GetProperty("User").GetString());
            var host = container.GetProperty("HostConfig");
            Assert.True(host.GetProperty("ReadonlyRootfs").GetBoolean(), service);
            Assert.Equal("ALL", host.GetProperty("CapDrop")[0].GetString());
            Assert.True(host.GetProperty("Memory").GetInt64() > 0, service);
            Assert.Empty(host.GetProperty("CapAdd").ValueKind == JsonValueKind.Null ? [] : host.GetProperty("CapAdd").EnumerateArray());
            Assert.DoesNotContain(stack.Password, await engine.DockerAsync("logs", await stack.ContainerAsync(service)), StringComparison.Ordinal);
        }
    }

    /// <summary>deploy/compose as a user would start it, in a folder of its own.</summary>
    private sealed class ComposeStack : IAsyncDisposable
    {
        private readonly ContainerEngine _engine;
        private readonly string _folder;

        private ComposeStack(ContainerEngine engine, string folder) => (_engine, _folder) = (engine, folder);

        /// <summary>Where compose.yaml publishes the API, in the engine's network.</summary>
        public Uri Address { get; } = new("http://127.0.0.1:3001");

        public string AdminToken { get; } = $"token-{Guid.NewGuid():N}";

        public string Password { get; } = $"pw-{Guid.NewGuid():N}";

        public static async Task<ComposeStack> UpAsync(ContainerEngine engine, TemporaryFolder folder, string tag)
        {
            var stack = new ComposeStack(engine, folder.In("compose"));
            Directory.CreateDirectory(Path.Combine(stack._folder, "secrets"));
            File.Copy(Repository.PathOf("deploy/compose/compose.yaml"), Path.Combine(stack._folder, "compose.yaml"));
            await File.WriteAllTextAsync(Path.Combine(stack._folder, ".env"), $"COGO_TAG={tag}\nPOSTGRES_IMAGE={ContainerEngine.BaseImage}\nREPOSITORIES={folder.In("repositories")}\n");
            // What docs/deploy.md shows. The official image starts Postgres by itself; the test's base image must be told.
            var shown = Regex.Match(await File.ReadAllTextAsync(Repository.PathOf("docs/deploy.md")), "```yaml\n(?<yaml>services:\n.*?)```", RegexOptions.ExplicitCapture | RegexOptions.Singleline, TimeSpan.FromSeconds(1)).Groups["yaml"].Value;
            Assert.Contains("QUALITY_NOTIFY_ADMIN_TOKEN", shown, StringComparison.Ordinal);
            await File.WriteAllTextAsync(
                Path.Combine(stack._folder, "compose.override.yaml"),
                shown.Replace("services:\n", "services:\n  postgres:\n    entrypoint: [/usr/local/bin/postgres-entrypoint]\n", StringComparison.Ordinal));
            await File.WriteAllTextAsync(Path.Combine(stack._folder, "secrets", "QUALITY_NOTIFY_ADMIN_TOKEN"), stack.AdminToken);
            await File.WriteAllTextAsync(Path.Combine(stack._folder, "secrets", "COGO_DATABASE_PASSWORD"), stack.Password);
            foreach (var unused in (string[])["OPENAI_API_KEY", "FIGMA_API_TOKEN", "ARTIFACTS_S3_ACCESS_KEY_ID", "ARTIFACTS_S3_SECRET_ACCESS_KEY"])
            {
                await File.WriteAllTextAsync(Path.Combine(stack._folder, "secrets", unused), "");
            }

            try
            {
                await stack.ComposeAsync("up", "-d");
                foreach (var service in (string[])[.. Workers, "api"])
                {
                    await stack.HealthyAsync(service);
                }
            }
            catch (Exception e)
            {
                var logs = await stack.LogsAsync();
                await stack.DisposeAsync();
                throw new InvalidOperationException($"The stack did not come up: {logs}", e);
            }

            return stack;
        }

        public async Task<string> ContainerAsync(string service) => (await ComposeAsync("ps", "-q", "-a", service)).Trim();

        public async Task KillAsync(string service) => await _engine.DockerAsync("kill", await ContainerAsync(service));

        public async Task StartAsync(string service) => await _engine.DockerAsync("start", await ContainerAsync(service));

        public Task<string> LogsAsync() => ComposeAsync("logs", "--tail", "40");

        public async ValueTask DisposeAsync() => await ComposeAsync("down", "--volumes", "--timeout", "5");

        private Task HealthyAsync(string service) => Eventually.BecomesAsync(
            async () => await _engine.DockerAsync("inspect", "--format", "{{.State.Health.Status}}", await ContainerAsync(service)),
            health => health.Trim() == "healthy",
            $"health of {service}",
            seconds: 120);

        private Task<string> ComposeAsync(params string[] arguments) =>
            Shell.RunAsync("docker-compose", ["-p", "cogo", .. arguments], _engine.Environment, _folder, seconds: 240);
    }
}
