using System.Diagnostics;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Xunit;

namespace Cogo.AppHost.Tests;

/// <summary>All of it started, as F5 does: wants Aspire's orchestrator, and Docker for the database's server.</summary>
public class StartTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_task_goes_through_the_started_application_to_its_verdict()
    {
        Assert.SkipUnless(File.Exists(OrchestratorPath()), "NOTHING WAS STARTED: Aspire's orchestrator is not there. Restore Cogo.AppHost on a machine that reaches its packages.");
        Assert.SkipUnless(await DockerAnswersAsync(), "NOTHING WAS STARTED: `docker version` gets no answer. Start Docker; the database's server is a container.");
        using var deadline = new CancellationTokenSource(Deadline);
        var sample = Path.Combine(RepositoryRoot(), "samples", "shell");
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Cogo_AppHost>(deadline.Token);
        await using var application = await builder.BuildAsync(deadline.Token);
        await application.StartAsync(deadline.Token);
        await application.ResourceNotifications.WaitForResourceHealthyAsync("api", deadline.Token);
        using var http = application.CreateHttpClient("api", "http");

        using var accepted = await http.PostAsJsonAsync(
            "/api/pipeline/codeBuildTest",
            new { repo = sample, engine = "patch", patch = await File.ReadAllTextAsync(Path.Combine(sample, "good.patch"), deadline.Token), allow_dirty = true },
            deadline.Token);
        accepted.EnsureSuccessStatusCode();
        var trace = (await accepted.Content.ReadFromJsonAsync<JsonElement>(deadline.Token)).GetProperty("trace_id").GetString();

        string? verdict = null;
        while (verdict is null)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), deadline.Token);
            var state = await http.GetFromJsonAsync<JsonElement>($"/api/metrics/trace/{trace}", deadline.Token);
            verdict = state.TryGetProperty("verdict", out var word) ? word.GetString() : null;
        }

        Assert.Equal("passed", verdict);
    }

    /// <summary>Noted in the host's assembly as it was built.</summary>
    private static string? OrchestratorPath() => Assembly.Load("Cogo.AppHost").GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(one => string.Equals(one.Key, "dcpclipath", StringComparison.OrdinalIgnoreCase))?.Value;

    private static async Task<bool> DockerAnswersAsync()
    {
        try
        {
            using var docker = Process.Start(new ProcessStartInfo("docker", ["version"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            await docker.WaitForExitAsync();
            return docker.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cogo.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"Cogo.sln is in no folder above {AppContext.BaseDirectory}.");
    }
}
