using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Benchmarks;

/// <summary>
/// A Postgres in a temporary folder, as durable as the one users get: fsync and synchronous_commit on. A database a
/// contestant. All of it is gone when it is disposed.
/// </summary>
internal sealed class BenchmarkServer : IAsyncDisposable
{
    private readonly string _folder;

    private BenchmarkServer(EmbeddedPostgres postgres, string folder) => (Postgres, _folder) = (postgres, folder);

    public EmbeddedPostgres Postgres { get; }

    public static async Task<BenchmarkServer> StartAsync(ILogger logger, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("cogo-bench-").FullName;
        if (!OperatingSystem.IsWindows())
        {
            // As root, the server runs as another user, who must pass through.
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        try
        {
            var options = EmbeddedPostgresOptions.FromEnvironment() with { DataDirectory = Path.Combine(folder, "postgres"), Port = null };
            return new BenchmarkServer(await EmbeddedPostgres.StartAsync(options, logger, cancellationToken), folder);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>The server's own words.</summary>
    public string LogPath => Path.Combine(Postgres.Directory, "server.log");

    /// <inheritdoc cref="ServerProcessorTime.Read" />
    public TimeSpan? ProcessorTime() => ServerProcessorTime.Read(Path.Combine(Postgres.Directory, "data"));

    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder(Postgres.ConnectionString) { Database = database }.ConnectionString;

    /// <summary>As node-postgres and libpq read it.</summary>
    public string Uri(string database)
    {
        var parts = new NpgsqlConnectionStringBuilder(Postgres.ConnectionString);
        var user = $"postgres://{System.Uri.EscapeDataString(parts.Username!)}:{System.Uri.EscapeDataString(parts.Password!)}";
        return $"{user}@/{database}?host={System.Uri.EscapeDataString(parts.Host!)}&port={parts.Port}";
    }

    /// <summary>An empty database.</summary>
    public async Task CreateDatabaseAsync(string name, CancellationToken cancellationToken) =>
        await ExecuteAsync("postgres", $"create database {name} template template0", cancellationToken);

    /// <summary>A database with Cogo's schema.</summary>
    public async Task CreateCogoDatabaseAsync(string name, ILogger logger, CancellationToken cancellationToken)
    {
        await CreateDatabaseAsync(name, cancellationToken);
        await using var database = NpgsqlDataSource.Create(ConnectionString(name));
        await new Migrator(database, logger).MigrateAsync(cancellationToken);
    }

    public async Task DropDatabaseAsync(string name, CancellationToken cancellationToken) =>
        await ExecuteAsync("postgres", $"drop database {name} with (force)", cancellationToken);

    /// <summary>What one contestant left to be written must not be written in the next one's turn.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken) => await ExecuteAsync("postgres", "checkpoint", cancellationToken);

    public async Task<string> SettingAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync(cancellationToken);
        await using var show = new NpgsqlCommand("select current_setting($1)", connection);
        show.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        return (string)(await show.ExecuteScalarAsync(cancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await Postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public async Task ExecuteAsync(string database, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database));
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 300 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
