using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using Cogo.Core.Database.Embedded;
using Cogo.Tests.Fixtures;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>PgBouncer in transaction mode in front of a server.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class PgBouncer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly Process _process;

    private PgBouncer(TemporaryFolder folder, Process process, string connectionString) =>
        (_folder, _process, ConnectionString) = (folder, process, connectionString);

    public string ConnectionString { get; }

    public static async Task<PgBouncer> StartAsync(string server)
    {
        var binary = Command.Find("pgbouncer") ?? (File.Exists("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : null)
            ?? throw new InvalidOperationException("'pgbouncer' is not on PATH: install the package pgbouncer to run this test.");
        var to = new NpgsqlConnectionStringBuilder(server);
        var port = FreePort();
        var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            folder.In("pgbouncer.ini"),
            $"""
            [databases]
            {to.Database} = host=127.0.0.1 port={to.Port} dbname={to.Database} user={to.Username} password='{to.Password}'
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = 8
            server_login_retry = 1
            """);
        File.SetUnixFileMode(folder.In("pgbouncer.ini"), UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        // It refuses root, as Postgres does.
        var command = ServerUser.Choose().CommandLine(binary, "-q", folder.In("pgbouncer.ini"));
        var info = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        var process = Process.Start(info)!;
        // Read, so that it never blocks on a full pipe.
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var connectionString = new NpgsqlConnectionStringBuilder(server) { Host = "127.0.0.1", Port = port, NoResetOnClose = true }.ConnectionString;
        var bouncer = new PgBouncer(folder, process, connectionString);
        try
        {
            await Eventually.BecomesTrueAsync(bouncer.AnswersAsync, "an answer from PgBouncer");
            return bouncer;
        }
        catch
        {
            await bouncer.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        _folder.Dispose();
    }

    private async Task<bool> AnswersAsync()
    {
        Assert(!_process.HasExited);
        try
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
            await connection.OpenAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static void Assert(bool running)
    {
        if (!running)
        {
            throw new InvalidOperationException("PgBouncer ended by itself.");
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
