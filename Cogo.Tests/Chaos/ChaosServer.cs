using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Cogo.Core.Processes;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>A server of the suite's own, to be restarted and run out of disk. As root its data lies on a small file system in memory.</summary>
internal sealed class ChaosServer : IAsyncDisposable
{
    private const int DiskMegabytes = 600;
    private const int DiskMegabytesAMinute = 60;

    private readonly TemporaryFolder _folder;
    private readonly EmbeddedPostgres _server;

    private ChaosServer(TemporaryFolder folder, EmbeddedPostgres server, bool hasSmallDisk)
    {
        (_folder, _server, HasSmallDisk) = (folder, server, hasSmallDisk);
        ConnectionString = new NpgsqlConnectionStringBuilder(server.TcpConnectionString) { Timeout = 5, CommandTimeout = 5, MaxPoolSize = 12 }.ConnectionString;
        DataSource = NpgsqlDataSource.Create(ConnectionString);
    }

    /// <summary>False where mounting is not allowed: the disk cannot be filled without filling the machine's.</summary>
    public bool HasSmallDisk { get; }

    public string ConnectionString { get; }

    public int Port => _server.Port;

    public NpgsqlDataSource DataSource { get; }

    public static async Task<ChaosServer> StartAsync(int major, TimeSpan runs)
    {
        var folder = new TemporaryFolder();
        var size = DiskMegabytes + (int)(DiskMegabytesAMinute * runs.TotalMinutes);
        var mounted = Environment.IsPrivilegedProcess && await MountAsync("mount", "-t", "tmpfs", "-o", $"size={size}m,mode=755", "tmpfs", folder.Path);
        try
        {
            var options = EmbeddedPostgresOptions.FromEnvironment() with { Version = major.ToString(), DataDirectory = folder.In("postgres"), Port = null };
            var server = await EmbeddedPostgres.StartAsync(options, NullLogger.Instance, CancellationToken.None);
            var chaos = new ChaosServer(folder, server, mounted);
            await new Migrator(chaos.DataSource, NullLogger.Instance).MigrateAsync(CancellationToken.None);
            return chaos;
        }
        catch
        {
            await RemoveAsync(folder, mounted);
            throw;
        }
    }

    /// <summary>As after a power cut: no checkpoint, recovery at the start. Starts the server, too, when it is down.</summary>
    public async Task RestartAsync()
    {
        var restart = await ServerUser.Choose().RunAsync(
            [_server.Installation.Tool("pg_ctl"), "restart", "-D", Path.Combine(_server.Directory, "data"), "-l", Path.Combine(_server.Directory, "server.log"), "-m", "immediate", "-w", "-t", "60"],
            _server.Directory, TimeSpan.FromMinutes(2), CancellationToken.None);
        if (!restart.Succeeded)
        {
            throw new InvalidOperationException($"Postgres did not restart: {await File.ReadAllTextAsync(Path.Combine(_server.Directory, "server.log"))}");
        }
    }

    /// <summary>Not a byte is left on the server's disk for so long. A server that died of it is started again.</summary>
    public async Task FillDiskAsync(TimeSpan duration)
    {
        if (!HasSmallDisk)
        {
            throw new InvalidOperationException("The server's disk is the machine's: it must not be filled.");
        }

        var filler = _folder.In("filler");
        try
        {
            await using var file = File.Create(filler);
            var block = new byte[1024 * 1024];
            try
            {
                while (true)
                {
                    await file.WriteAsync(block);
                    await file.FlushAsync();
                }
            }
            catch (IOException)
            {
                // Full.
            }

            await FeelItAsync();
            await Task.Delay(duration);
        }
        finally
        {
            File.Delete(filler);
        }

        if (!await AnswersAsync())
        {
            await RestartAsync();
        }
    }

    /// <summary>
    /// Makes the server need room at once: for a table, which it refuses, and then for its log, which it cannot live
    /// without, so that it ends itself when no segment is left.
    /// </summary>
    private async Task FeelItAsync()
    {
        try
        {
            await ExecuteAsync("create temp table room as select repeat('x', 1000) from generate_series(1, 100000)");
            throw new InvalidOperationException("The disk is not full: Postgres found room for 100 MB.");
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DiskFull)
        {
            // As it should.
        }

        try
        {
            // Ready-made segments of the log are used up first. After much writing there are many, and a checkpoint makes
            // more of old ones: a server that lives on those does without the room it was refused above.
            for (var i = 0; i < 200; i++)
            {
                await ExecuteAsync("select pg_logical_emit_message(false, 'room', 'x'), pg_switch_wal()");
            }
        }
        catch (NpgsqlException)
        {
            // The server is gone, or has no room.
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<bool> AnswersAsync()
    {
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

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await _server.DisposeAsync();
        await RemoveAsync(_folder, HasSmallDisk);
    }

    private static async Task RemoveAsync(TemporaryFolder folder, bool mounted)
    {
        if (mounted && !await MountAsync("umount", folder.Path))
        {
            throw new InvalidOperationException($"'{folder.Path}' could not be unmounted: something still runs there.");
        }

        folder.Dispose();
    }

    private static async Task<bool> MountAsync(string command, params string[] arguments) =>
        (await ProcessTree.RunAsync(
            new ProcessSpec { FileName = command, Arguments = arguments, WorkingDirectory = "/" }, null, Containment.Session, CancellationToken.None)).Succeeded;
}
