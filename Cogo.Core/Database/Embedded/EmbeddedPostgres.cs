using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Database.Embedded;

/// <summary>
/// A Postgres of our own, for a machine that has none: on 127.0.0.1, durable, gone with the process that started it.
/// </summary>
public sealed partial class EmbeddedPostgres : IAsyncDisposable
{
    internal const string Loopback = "127.0.0.1";

    private static readonly TimeSpan RetryTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    private readonly OwnerLock _owner;
    private readonly IServer _server;
    private int _disposed;

    private EmbeddedPostgres(OwnerLock owner, IServer server, PostgresInstallation installation, string directory, string connectionString) =>
        (_owner, _server, Installation, Directory, ConnectionString) = (owner, server, installation, directory, connectionString);

    /// <summary>For Npgsql; holds the password. By the server's Unix socket where that can be reached.</summary>
    public string ConnectionString { get; }

    /// <summary>The same by TCP, for those who cannot use the other.</summary>
    public string TcpConnectionString => new NpgsqlConnectionStringBuilder(ConnectionString) { Host = Loopback }.ConnectionString;

    /// <summary>On 127.0.0.1.</summary>
    public int Port => new NpgsqlConnectionStringBuilder(ConnectionString).Port;

    public PostgresInstallation Installation { get; }

    /// <summary>Holds <c>data</c> and <c>server.log</c>.</summary>
    public string Directory { get; }

    /// <summary>Completes if the server ends by itself, which is logged; cancelled when it is stopped.</summary>
    public Task Exited => _server.Exited;

    /// <summary>
    /// Finds or fetches binaries, makes the data directory if there is none, takes over what a killed process left,
    /// starts the server and makes the database. Ready when it returns.
    /// </summary>
    /// <exception cref="EmbeddedPostgresException">It cannot run here; the message says what to do.</exception>
    public static async Task<EmbeddedPostgres> StartAsync(EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(logger);
        try
        {
            return await StartUncheckedAsync(options, logger, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var full = e is IOException io && OwnerLock.IsOutOfSpace(io);
            throw new EmbeddedPostgresException(
                $"The embedded Postgres cannot use '{Path.GetFullPath(options.DataDirectory)}': {e.Message} "
                + (full ? "Free some space, or put the data elsewhere (COGO_POSTGRES_DIR)." : "Choose a folder that you may write to (COGO_POSTGRES_DIR)."),
                e);
        }
    }

    /// <summary>Stops the server fast: open transactions are rolled back, what was committed stays.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _server.DisposeAsync();
            _owner.Dispose();
        }
    }

    private static async Task<EmbeddedPostgres> StartUncheckedAsync(EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var user = ServerUser.Choose();
        var root = await DatabaseFolder.RootAsync(options, user, logger, cancellationToken);
        var installation = await new PostgresBinaries(options, user, logger)
            .ChooseAsync(options.Fresh ? [] : DatabaseFolder.MajorsWithData(root), cancellationToken);
        var folder = DatabaseFolder.Open(root, installation.Major, user);
        var owner = OwnerLock.Take(folder.Path);
        IServer? server = null;
        try
        {
            await new Takeover(folder, installation, user, options.StopTimeout, logger).RunAsync(owner.LastOwner(), cancellationToken);
            var cluster = new Cluster(folder, installation, user, logger);
            cluster.Clear(includingData: options.Fresh);
            if (!folder.HasData)
            {
                await cluster.CreateAsync(cancellationToken);
            }

            folder.CheckVersion(installation);
            await cluster.WriteSettingsAsync(cancellationToken);
            var password = await cluster.ReadPasswordAsync(cancellationToken);
            (server, var port) = await StartServerAsync(folder, installation, user, owner, options, logger, cancellationToken);
            var connectionString = await OwnDatabase.EnsureAsync(port, password, options.Database, folder, cancellationToken);
            LogReady(logger, installation.Version, port, folder.Path, clock.ElapsedMilliseconds);
            return new EmbeddedPostgres(owner, server, installation, folder.Path, connectionString);
        }
        catch
        {
            if (server is not null)
            {
                await server.DisposeAsync();
            }

            owner.Dispose();
            throw;
        }
    }

    private static async Task<(IServer Server, int Port)> StartServerAsync(
        DatabaseFolder folder, PostgresInstallation installation, ServerUser user, OwnerLock owner, EmbeddedPostgresOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        for (var port = ChoosePort(options.Port, owner.LastOwner()?.Port); ; port = ChoosePort(options.Port, null))
        {
            var log = await ServerLog.OpenAsync(folder.Log, user, cancellationToken);
            var start = OperatingSystem.IsWindows()
                ? WindowsServer.StartAsync(folder, installation, owner, port, options, cancellationToken)
                : ServerProcess.StartAsync(folder, installation, user, owner, port, options, logger, cancellationToken);
            if (await start is { } server)
            {
                return (server, port);
            }

            var words = await log.ReadAsync(cancellationToken);
            var portTaken = options.Port is null && words.Contains("could not bind", StringComparison.Ordinal);
            // Children of a killed server end within moments of it; until then they hold its memory.
            var childrenLeft = words.Contains("pre-existing shared memory block", StringComparison.Ordinal);
            if (!(portTaken || childrenLeft) || clock.Elapsed > RetryTimeout)
            {
                throw new EmbeddedPostgresException(ServerLog.Explain($"{installation.Version} did not start on '{folder.Data}', port {port}", words));
            }

            await Task.Delay(RetryPause, cancellationToken);
        }
    }

    private static int ChoosePort(int? wanted, int? last)
    {
        if (wanted is { } port)
        {
            return IsFree(port) ? port : throw new EmbeddedPostgresException(
                $"Port {port} of 127.0.0.1 is taken. Stop what listens there, set COGO_POSTGRES_PORT to another, or unset it for any free one.");
        }

        if (last is { } before && IsFree(before))
        {
            return before;
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [LoggerMessage(EventId = 1130, Level = LogLevel.Information, Message = "{Version} is ready on 127.0.0.1:{Port} after {Milliseconds} ms, its data in {Directory}")]
    private static partial void LogReady(ILogger logger, string version, int port, string directory, long milliseconds);
}
