using System.Data;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// A few connections that stay out of the pool between calls. The pool resets a connection with DISCARD ALL, and with
/// it go the plans of the bus's functions: planning them anew costs several times what running them does. The one used
/// last is used next, so that a quiet bus works on one warm connection.
/// </summary>
internal sealed class StandingConnections : IAsyncDisposable
{
    private const int MostKept = 8;

    private readonly NpgsqlDataSource _database;
    private readonly int _most;
    private readonly Lock _lock = new();
    private readonly Stack<NpgsqlConnection> _idle = new();
    private bool _disposed;

    public StandingConnections(NpgsqlDataSource database)
    {
        _database = database;
        // A pool has others to serve, too; a small one keeps all it has.
        _most = Math.Min(MostKept, new NpgsqlConnectionStringBuilder(database.ConnectionString).MaxPoolSize / 4);
    }

    /// <summary>
    /// An open connection for the caller alone, until the answer is disposed. Only for statements that leave nothing
    /// behind on it: no setting, no temporary table, no prepared statement, no open transaction.
    /// </summary>
    public async ValueTask<Rented> RentAsync(CancellationToken cancellationToken)
    {
        NpgsqlConnection? kept = null;
        lock (_lock)
        {
            _ = _idle.TryPop(out kept);
        }

        return new Rented(this, kept ?? await _database.OpenConnectionAsync(cancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        await CloseIdleAsync();
    }

    private async ValueTask ReturnAsync(NpgsqlConnection connection)
    {
        var open = connection.FullState == ConnectionState.Open;
        lock (_lock)
        {
            if (open && !_disposed && _idle.Count < _most)
            {
                _idle.Push(connection);
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
            idle = [.. _idle];
            _idle.Clear();
        }

        foreach (var connection in idle)
        {
            await connection.DisposeAsync();
        }
    }

    internal readonly struct Rented(StandingConnections owner, NpgsqlConnection connection) : IAsyncDisposable
    {
        public NpgsqlConnection Connection => connection;

        public NpgsqlCommand Command(string sql) => new(sql, connection);

        public ValueTask DisposeAsync() => owner.ReturnAsync(connection);
    }
}
