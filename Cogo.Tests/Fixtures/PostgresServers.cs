using System.Collections.Concurrent;
using Cogo.Core.Database;
using Cogo.Core.Database.Embedded;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

[assembly: AssemblyFixture(typeof(PostgresServers))]

namespace Cogo.Tests.Fixtures;

/// <summary>
/// Real servers, one a major version, started when a test first asks and stopped with the run. Every test gets a
/// migrated database of its own, copied from a template. Durability is left on: tests see what users see.
/// </summary>
public sealed class PostgresServers : IAsyncDisposable
{
    /// <summary>The newest supported version.</summary>
    public const int Newest = 18;

    private const string Template = "cogo_template";

    private static readonly ConcurrentDictionary<int, Lazy<Task<EmbeddedPostgres>>> Servers = new();
    private static readonly Lazy<TemporaryFolder> Root = new(() => new TemporaryFolder());
    private static int s_databases;

    /// <summary>A fresh database with every migration applied, on the server of that major version.</summary>
    public static Task<TestDatabase> CreateDatabaseAsync(int major = Newest) => CreateAsync(major, Template);

    /// <summary>A fresh database with nothing in it.</summary>
    public static Task<TestDatabase> CreateEmptyDatabaseAsync(int major = Newest) => CreateAsync(major, "template0");

    /// <summary>The server itself, shared by all tests: for <c>psql</c> and the like.</summary>
    public static Task<EmbeddedPostgres> ServerAsync(int major) =>
        OrSkipAsync(major, () => Servers.GetOrAdd(major, static version => new Lazy<Task<EmbeddedPostgres>>(() => StartAsync(version))).Value);

    /// <summary>
    /// The newest version comes by npm and is always there. A test of an older one is skipped where that is not
    /// installed, and says so; on CI it fails.
    /// </summary>
    public static async Task<EmbeddedPostgres> OrSkipAsync(int major, Func<Task<EmbeddedPostgres>> start)
    {
        try
        {
            return await start();
        }
        catch (EmbeddedPostgresException e) when (major != Newest && e.Message.StartsWith("No Postgres", StringComparison.Ordinal) && Environment.GetEnvironmentVariable("CI") is null or "")
        {
            Assert.Skip($"Nothing was tested against Postgres {major}, which is not installed here (Debian: apt-get install postgresql).");
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in Servers.Values.Where(server => server.IsValueCreated && server.Value.IsCompletedSuccessfully))
        {
            await (await server.Value).DisposeAsync();
        }

        Servers.Clear();
        if (Root.IsValueCreated)
        {
            Root.Value.Dispose();
        }
    }

    internal static async Task ExecuteAsync(EmbeddedPostgres server, string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(server, "postgres", pooling: false));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<TestDatabase> CreateAsync(int major, string template)
    {
        var server = await ServerAsync(major);
        var name = $"test_{Interlocked.Increment(ref s_databases)}";
        await ExecuteAsync(server, $"create database {name} template {template}");
        return new TestDatabase(server, name, ConnectionString(server, name, pooling: true));
    }

    private static async Task<EmbeddedPostgres> StartAsync(int major)
    {
        var options = EmbeddedPostgresOptions.FromEnvironment() with
        {
            Version = major.ToString(),
            DataDirectory = Root.Value.Path,
            Port = null,
        };
        var server = await EmbeddedPostgres.StartAsync(options, NullLogger.Instance, CancellationToken.None);
        await ExecuteAsync(server, $"create database {Template} template template0");
        await using (var dataSource = NpgsqlDataSource.Create(ConnectionString(server, Template, pooling: false)))
        {
            await new Migrator(dataSource, NullLogger.Instance).MigrateAsync(CancellationToken.None);
        }

        return server;
    }

    private static string ConnectionString(EmbeddedPostgres server, string database, bool pooling) =>
        new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = database, Pooling = pooling }.ConnectionString;
}
