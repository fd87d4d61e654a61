using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Cogo.Core.Database.Embedded;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Cogo.Tests.Database;

/// <summary>What is wrong outside: the port, the parent, npm, the disk.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class EmbeddedPostgresSurroundingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_port_that_was_asked_for_and_is_taken_is_named()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync(options => options with { Port = port }));

        Assert.Contains($"Port {port} of 127.0.0.1 is taken", refused.Message, StringComparison.Ordinal);
        Assert.Contains("COGO_POSTGRES_PORT", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_of_last_time_that_is_taken_now_is_left_to_whoever_has_it()
    {
        int port;
        await using (var first = await StartAsync())
        {
            port = first.Port;
        }

        using var taken = new TcpListener(IPAddress.Loopback, port);
        taken.Start();
        await using var second = await StartAsync();

        Assert.NotEqual(port, second.Port);
    }

    [Fact]
    public async Task A_killed_parent_leaves_no_server_behind_and_its_data_goes_on()
    {
        var environment = new Dictionary<string, string?> { ["COGO_POSTGRES"] = "18", ["COGO_POSTGRES_DIR"] = _folder.In("postgres"), ["COGO_POSTGRES_PORT"] = null };
        int postmaster;
        await using (var parent = await PostgresHolder.StartAsync(environment))
        {
            Assert.StartsWith("ready 18", parent.FirstLine, StringComparison.Ordinal);
            postmaster = int.Parse(File.ReadLines(_folder.In("postgres", "18", "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);
            await parent.KillAsync();
        }

        await Eventually.BecomesTrueAsync(() => !Directory.Exists($"/proc/{postmaster}"), "the end of the orphaned server", 30);
        await using var next = await StartAsync();
        await using var source = NpgsqlDataSource.Create(next.ConnectionString);
        await using var ask = source.CreateCommand("select 1");
        Assert.Equal(1, await ask.ExecuteScalarAsync());
    }

    [Fact]
    public async Task A_start_right_after_its_predecessor_was_killed_takes_over()
    {
        var environment = new Dictionary<string, string?> { ["COGO_POSTGRES"] = "18", ["COGO_POSTGRES_DIR"] = _folder.In("postgres"), ["COGO_POSTGRES_PORT"] = null };
        await using var parent = await PostgresHolder.StartAsync(environment);
        await parent.KillAsync();

        await using var next = await StartAsync();

        Assert.Equal(18, next.Installation.Major);
    }

    [Fact]
    public async Task A_socket_left_by_a_process_whose_number_has_gone_to_another_is_no_hindrance()
    {
        string socket;
        await using (var first = await StartAsync())
        {
            socket = Path.Combine(first.Directory, "data", $".s.PGSQL.{first.Port}");
            Assert.True(File.Exists(socket));
        }

        using var another = Process.Start(new ProcessStartInfo("/usr/bin/env", ServerUser.Choose().CommandLine("sleep", "60")) { UseShellExecute = false })!;
        try
        {
            await File.WriteAllTextAsync(socket, "");
            await File.WriteAllTextAsync($"{socket}.lock", $"{another.Id}\n{Path.GetDirectoryName(socket)}\n0\n");

            await using var second = await StartAsync();

            Assert.Equal(socket, Path.Combine(second.Directory, "data", $".s.PGSQL.{second.Port}"));
        }
        finally
        {
            another.Kill();
            await another.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Where_npm_cannot_fetch_an_installed_postgres_serves()
    {
        await PostgresServers.ServerAsync(PostgresInstallation.OldestMajor);
        var environment = new Dictionary<string, string?>
        {
            ["COGO_POSTGRES"] = null,
            ["COGO_POSTGRES_DIR"] = _folder.In("postgres"),
            ["COGO_CACHE"] = _folder.In("cache"),
            ["COGO_POSTGRES_PORT"] = null,
            ["npm_config_offline"] = "true",
            ["npm_config_cache"] = _folder.In("npm"),
        };

        await using var holder = await PostgresHolder.StartAsync(environment);

        Assert.StartsWith("ready 15", holder.FirstLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_any_postgres_it_says_what_it_tried_and_what_to_do()
    {
        var environment = new Dictionary<string, string?>
        {
            ["COGO_POSTGRES"] = "17",
            ["COGO_POSTGRES_DIR"] = _folder.In("postgres"),
            ["COGO_POSTGRES_PORT"] = null,
        };

        await using var holder = await PostgresHolder.StartAsync(environment);

        Assert.StartsWith("refused No Postgres 17 to run. Tried:", holder.FirstLine, StringComparison.Ordinal);
        Assert.Contains("ConnectionStrings__cogo", holder.FirstLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_is_told_as_such()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can mount the small disk that this test fills.");
        var disk = Directory.CreateDirectory(_folder.In("disk")).FullName;
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tmpfs", disk);
        try
        {
            var refused = await Assert.ThrowsAsync<EmbeddedPostgresException>(() => StartAsync(options => options with { DataDirectory = Path.Combine(disk, "postgres") }));

            Assert.Contains("disk is full", refused.Message, StringComparison.Ordinal);
            Assert.Contains("COGO_POSTGRES_DIR", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            await RunAsync("umount", disk);
        }
    }

    private static async Task RunAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { UseShellExecute = false })!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private Task<EmbeddedPostgres> StartAsync(Func<EmbeddedPostgresOptions, EmbeddedPostgresOptions>? change = null)
    {
        var options = EmbeddedPostgresOptions.FromEnvironment() with { Version = "18", Port = null, DataDirectory = _folder.In("postgres") };
        return EmbeddedPostgres.StartAsync(change is null ? options : change(options), NullLogger.Instance, CancellationToken.None);
    }
}
