using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Hosting;

/// <summary>The programs as processes, with surroundings that are wrong: a sentence and an exit code, no stack trace.</summary>
public class ProgramStartTests
{
    private const string Unused = "Host=127.0.0.1;Port=1;Database=cogo;Username=cogo";

    [Theory]
    [InlineData("Cogo.Api.dll")]
    [InlineData("Cogo.Workers.dll")]
    public async Task A_program_without_a_database_says_which_variable_is_missing(string program)
    {
        var (code, error) = await RunAsync(program, ("AGENT_SERVICE", "code"), ("AGENT_ROLE", "build-test"));

        Assert.Equal(3, code);
        Assert.Contains("No database is configured: set ConnectionStrings__cogo", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Cogo.Api.dll", "Hots=db;Password=hidden-word")]
    [InlineData("Cogo.Workers.dll", "Database=cogo;Password=hidden-word")]
    [InlineData("cogo.dll", "Hots=db;Password=hidden-word")]
    public async Task A_connection_string_that_is_none_is_named_and_not_quoted(string program, string connection)
    {
        var (code, error) = await RunAsync(program, ("ConnectionStrings__cogo", connection), ("AGENT_SERVICE", "code"), ("AGENT_ROLE", "build-test"));

        Assert.Equal(3, code);
        Assert.Contains("ConnectionStrings__cogo", error, StringComparison.Ordinal);
        Assert.Contains("write it like", error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden-word", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Any, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var (code, error) = await RunAsync("Cogo.RuntimeAgent.dll", ("PORT", $"{port}"));

        Assert.Equal(2, code);
        Assert.Contains($":{port}: address already in use. End the program", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_setting_of_the_bus_that_is_no_number_ends_the_API_with_its_name()
    {
        var (code, error) = await RunAsync("Cogo.Api.dll", ("ConnectionStrings__cogo", Unused), ("COGO_BUS_LEASE_MS", "soon"));

        Assert.Equal(3, code);
        Assert.Contains("COGO_BUS_LEASE_MS", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_work_folder_that_cannot_be_written_is_named()
    {
        using var folder = new TemporaryFolder();
        // In a file's place there can be no folder, whoever asks.
        await File.WriteAllTextAsync(folder.In("file"), "");

        var (code, error) = await RunAsync(
            "Cogo.Workers.dll", ("ConnectionStrings__cogo", Unused), ("AGENT_SERVICE", "code"), ("AGENT_ROLE", "build-test"), ("COGO_WORK", folder.In("file", "work")));

        Assert.Equal(2, code);
        Assert.Contains($"The work folder {folder.In("file", "work")} cannot be written", error, StringComparison.Ordinal);
        Assert.Contains("Set COGO_WORK to a folder that can.", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Cogo.Api.dll", "build-test")]
    [InlineData("Cogo.Workers.dll", "build-test")]
    [InlineData("cogo.dll", "build-test")]
    public async Task Settings_of_S3_that_lack_their_other_half_are_named(string program, string role)
    {
        var (code, error) = await RunAsync(
            program, ("ConnectionStrings__cogo", Unused), ("AGENT_SERVICE", "code"), ("AGENT_ROLE", role), ("ARTIFACTS_S3_BUCKET", "artifacts"),
            ("ARTIFACTS_S3_REGION", "eu-central-1"), ("ARTIFACTS_S3_SECRET_ACCESS_KEY", "hidden-word"));

        Assert.Equal(3, code);
        Assert.Contains("ARTIFACTS_S3_SECRET_ACCESS_KEY is set and ARTIFACTS_S3_ACCESS_KEY_ID is not: set both", error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden-word", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Cogo.Api.dll")]
    [InlineData("Cogo.Workers.dll")]
    public async Task A_store_of_artifacts_that_does_not_answer_is_named(string program)
    {
        using var folder = new TemporaryFolder();

        var (code, error) = await RunAsync(
            program, ("ConnectionStrings__cogo", Unused), ("AGENT_SERVICE", "code"), ("AGENT_ROLE", "build-test"), ("COGO_WORK", folder.In("work")),
            ("PORT", "0"), ("ARTIFACTS_S3_BUCKET", "artifacts"), ("ARTIFACTS_S3_ENDPOINT", "http://127.0.0.1:1"), ("ARTIFACTS_S3_ACCESS_KEY_ID", "id"),
            ("ARTIFACTS_S3_SECRET_ACCESS_KEY", "hidden-word"));

        Assert.Equal(2, code);
        Assert.Contains("The store of artifacts at http://127.0.0.1:1 does not answer (Connection refused", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden-word", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Error)> RunAsync(string program, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, program));
        if (program == "cogo.dll")
        {
            start.ArgumentList.Add("migrate");
        }

        start.Environment.Remove("ConnectionStrings__cogo");
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = await process.StandardError.ReadToEndAsync(deadline.Token);
            await output;
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
