using System.Data;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// A few connections that stay out of the pool between calls. The pool resets a connection with DISCARD ALL, and with
/// it go the plans of the bus's functions: planning them anew costs several times what running them does. The one used
/// last is used next, so that a quiet bus works on one warm connection. Statements are prepared on it, unless a pooler
/// stands in between that gives each transaction another server process.
/// </summary>
internal sealed class StandingConnections : IAsyncDisposable
{
    private const int MostKept = 8;

    private readonly NpgsqlDataSource _database;
    private readonly int _most;
    private readonly Lock _lock = new();
    private readonly Stack<(NpgsqlConnection Connection, bool Prepares)> _idle = new();
    private bool _disposed;

    public StandingConnections(NpgsqlDataSource database)
    {
        _database = database;
        // A pool has others to serve, too; a small one keeps all it has.
        _most = Math.Min(MostKept, new NpgsqlConnectionStringBuilder(database.ConnectionString).MaxPoolSize / 4);
    }

    /// <summary>
    /// An open connection for the caller alone, until the answer is disposed. Only for statements that leave nothing
    /// behind on it: no setting, no temporary table, no open transaction.
    /// </summary>
    public async ValueTask<Rented> RentAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_idle.TryPop(out var kept))
            {
                return new Rented(this, kept.Connection, kept.Prepares);
            }
        }

        var connection = await _database.OpenConnectionAsync(cancellationToken);
        try
        {
            // A pooler gives the client a process id of its own making.
            await using var ask = new NpgsqlCommand("select pg_backend_pid()", connection);
            return new Rented(this, connection, await ask.ExecuteScalarAsync(cancellationToken) is int server && server == connection.ProcessID);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// An upgrade replaced what a prepared statement calls, and its columns with it. Nothing was done; it is prepared anew
    /// when it is run again.
    /// </summary>
    public static bool WasReplaced(PostgresException error) =>
        error is { SqlState: PostgresErrorCodes.FeatureNotSupported, Routine: "RevalidateCachedQuery" };

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        await CloseIdleAsync();
    }

    private async ValueTask ReturnAsync(NpgsqlConnection connection, bool prepares)
    {
        var open = connection.FullState == ConnectionState.Open;
        lock (_lock)
        {
            if (open && !_disposed && _idle.Count < _most)
            {
                _idle.Push((connection, prepares));
                return;
            }
        }

        await connection.DisposeAsync();
        if (!open)
        {
            // What broke this one has most likely broken the others.
            await CloseIdleAsync();
        }
    }

    private async ValueTask CloseIdleAsync()
    {
        NpgsqlConnection[] idle;
        lock (_lock)
        {
            idle = [.. _idle.Select(static kept => kept.Connection)];
            _idle.Clear();
        }

        foreach (var connection in idle)
        {
            await connection.DisposeAsync();
        }
    }

    internal readonly struct Rented(StandingConnections owner, NpgsqlConnection connection, bool prepares) : IAsyncDisposable
    {
        public NpgsqlConnection Connection => connection;

        public NpgsqlCommand Command(string sql) => new(sql, connection);

        /// <summary>Before it is executed, when all its parameters are set; a second time costs nothing.</summary>
        public Task PrepareAsync(NpgsqlCommand command, CancellationToken cancellationToken) =>
            prepares ? command.PrepareAsync(cancellationToken) : Task.CompletedTask;

        /// <inheritdoc cref="PrepareAsync(NpgsqlCommand, CancellationToken)" />
        public Task PrepareAsync(NpgsqlBatch batch, CancellationToken cancellationToken) =>
            prepares ? batch.PrepareAsync(cancellationToken) : Task.CompletedTask;

        public ValueTask DisposeAsync() => owner.ReturnAsync(connection, prepares);
    }
}
