using Cogo.Core.Database.Embedded;
using Npgsql;

namespace Cogo.Tests.Fixtures;

/// <summary>A database of one test, dropped with it, whoever is still connected.</summary>
public sealed class TestDatabase : IAsyncDisposable
{
    internal TestDatabase(EmbeddedPostgres server, string name, string connectionString)
    {
        (Server, Name, ConnectionString) = (server, name, connectionString);
        DataSource = NpgsqlDataSource.Create(connectionString);
    }

    public EmbeddedPostgres Server { get; }

    public string Name { get; }

    public string ConnectionString { get; }

    public NpgsqlDataSource DataSource { get; }

    /// <summary>Runs statements with positional parameters ($1, …).</summary>
    public async Task<int> ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>Takes all leases, in one transaction: a heartbeat that comes between would renew them.</summary>
    public Task TakeLeasesAsync() =>
        ExecuteAsync("update bus_sessions set lease_until = clock_timestamp() - interval '1 second' where ended_at is null; select cogo_reap()");

    /// <summary>The first column of the first row; default when there is none or it is null.</summary>
    public async Task<T?> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteScalarAsync() is T value ? value : default;
    }

    public async ValueTask DisposeAsync()
    {
        await DataSource.DisposeAsync();
        await PostgresServers.ExecuteAsync(Server, $"drop database if exists {Name} with (force)");
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = DataSource.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }
}
