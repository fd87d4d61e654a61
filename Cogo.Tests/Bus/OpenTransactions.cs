using Npgsql;

namespace Cogo.Tests.Bus;

/// <summary>Transactions that are open side by side and commit in whatever order a test likes, each with the ids it has inserted.</summary>
internal sealed class OpenTransactions(NpgsqlDataSource database)
{
    private readonly List<(NpgsqlConnection Connection, NpgsqlTransaction Transaction, List<long> Ids)> _open = [];

    public int Count => _open.Count;

    public HashSet<long> Committed { get; } = [];

    public async Task BeginAsync()
    {
        var connection = await database.OpenConnectionAsync();
        _open.Add((connection, await connection.BeginTransactionAsync(), []));
    }

    /// <summary>Runs an insert that returns ids in one of them.</summary>
    public async Task InsertAsync(int which, string sql, params object[] values)
    {
        var (connection, transaction, ids) = _open[which];
        await using var insert = new NpgsqlCommand(sql, connection, transaction);
        foreach (var value in values)
        {
            insert.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await using var reader = await insert.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            ids.Add(reader.GetInt64(0));
        }
    }

    public async Task CommitAsync(int which)
    {
        var (connection, transaction, ids) = _open[which];
        _open.RemoveAt(which);
        await transaction.CommitAsync();
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
        Committed.UnionWith(ids);
    }

    public async Task CommitAllAsync()
    {
        while (Count > 0)
        {
            await CommitAsync(0);
        }
    }
}
