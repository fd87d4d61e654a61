using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Database;

/// <summary>
/// Brings the schema up to date: every numbered script once, in order, recorded in <c>public.cogo_migrations</c>.
/// All pending scripts share one transaction, which also holds the advisory lock, so that a second migrator waits
/// and a pooler in transaction mode breaks nothing. A <c>-- no-transaction</c> script runs on a second connection
/// while the first one holds the lock.
/// </summary>
public sealed partial class Migrator
{
    /// <summary>"cogo migr" in ASCII: any number nobody else uses.</summary>
    private const long LockKey = 0x636f676f6d696772;

    private readonly NpgsqlDataSource _dataSource;
    private readonly IReadOnlyList<MigrationScript> _scripts;
    private readonly ILogger _logger;

    /// <param name="scripts">Default: <see cref="MigrationScript.Embedded"/>.</param>
    /// <exception cref="ArgumentException">Two scripts have the same number.</exception>
    public Migrator(NpgsqlDataSource dataSource, ILogger logger, IReadOnlyList<MigrationScript>? scripts = null)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        ArgumentNullException.ThrowIfNull(logger);
        _dataSource = dataSource;
        _logger = logger;
        _scripts = [.. (scripts ?? MigrationScript.Embedded).OrderBy(script => script.Version)];
        if (_scripts.Zip(_scripts.Skip(1)).FirstOrDefault(pair => pair.First.Version == pair.Second.Version) is { First: not null } twins)
        {
            throw new ArgumentException($"Two migrations have the same number: {twins.First.FileName} and {twins.Second.FileName}. Renumber the one that is not released.", nameof(scripts));
        }
    }

    /// <summary>Applies what is pending.</summary>
    /// <returns>The scripts applied now; none when the schema was up to date.</returns>
    /// <exception cref="MigrationException">A script failed, an applied one was edited, or the database is newer than this Cogo.</exception>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<MigrationScript>> MigrateAsync(CancellationToken cancellationToken)
    {
        var applied = new List<MigrationScript>();
        await using var connection = await _dataSource.OpenConnectionAsync(cancellationToken);
        while (true)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await LockAsync(connection, cancellationToken);
            await EnsureRecordAsync(connection, cancellationToken);
            var pending = Pending(await ReadRecordAsync(connection, cancellationToken));
            var inTransaction = pending.TakeWhile(script => script.RunsInTransaction).ToList();
            foreach (var script in inTransaction)
            {
                await ApplyAsync(connection, script, cancellationToken);
                await RecordAsync(connection, script, cancellationToken);
            }

            // What it builds on must be committed, so it gets a turn, and a hold of the lock, of its own.
            var alone = inTransaction.Count == 0 ? pending.FirstOrDefault() : null;
            if (alone is not null)
            {
                // The last portal keeps its snapshot until the next statement, and a concurrent index build waits for
                // all older snapshots: one that takes none lets go of it.
                await ExecuteAsync(connection, "set local statement_timeout = 0", cancellationToken);
                await ApplyAloneAsync(alone, cancellationToken);
                await RecordAsync(connection, alone, cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
            var now = alone is null ? inTransaction : [alone];
            applied.AddRange(now);
            foreach (var script in now)
            {
                LogApplied(_logger, script.FileName);
            }

            if (now.Count == pending.Count)
            {
                return applied;
            }
        }
    }

    private List<MigrationScript> Pending(IReadOnlyDictionary<int, (string Name, string Checksum)> record)
    {
        var newest = record.Count == 0 ? 0 : record.Keys.Max();
        if (newest > (_scripts.Count == 0 ? 0 : _scripts[^1].Version))
        {
            throw new MigrationException(
                $"The database is newer than this Cogo: it has migration {newest:0000}_{record[newest].Name}, this version knows "
                + (_scripts.Count == 0 ? "none" : $"up to {_scripts[^1].FileName}") + ". Run the newer Cogo, or restore the database from before its upgrade.");
        }

        var pending = new List<MigrationScript>();
        foreach (var script in _scripts)
        {
            if (record.TryGetValue(script.Version, out var row))
            {
                if (!string.Equals(row.Checksum, script.Checksum, StringComparison.Ordinal))
                {
                    throw new MigrationException(
                        $"{script.FileName} was changed after it was applied to this database (recorded checksum {row.Checksum}, now {script.Checksum}). Put the file back as it was and make the change in a new migration.");
                }
            }
            else if (script.Version < newest)
            {
                throw new MigrationException(
                    $"{script.FileName} is not applied, but {newest:0000}_{record[newest].Name} after it is. Give it a number above {newest:0000}.");
            }
            else
            {
                pending.Add(script);
            }
        }

        return pending;
    }

    private async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Waiting here while the other one builds an index must not end the session.
        await ExecuteAsync(connection, "set local idle_in_transaction_session_timeout = 0", cancellationToken);
        await ExecuteAsync(connection, "set local statement_timeout = 0", cancellationToken);
        await using var attempt = Command(connection, "select pg_try_advisory_xact_lock($1)", LockKey);
        if (await attempt.ExecuteScalarAsync(cancellationToken) is not true)
        {
            LogWaiting(_logger);
            await using var wait = Command(connection, "select pg_advisory_xact_lock($1)", LockKey);
            await wait.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Row-level security keeps it from anonymous readers where every table of <c>public</c> is served over HTTP; its owner is not bound by it.</summary>
    private static async Task EnsureRecordAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var exists = Command(connection, "select to_regclass('public.cogo_migrations') is not null");
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
        {
            await ExecuteAsync(
                connection,
                """
                create table public.cogo_migrations (
                  version int primary key,
                  name text not null,
                  checksum text not null,
                  applied_at timestamptz not null default now()
                )
                """,
                cancellationToken);
            await ExecuteAsync(connection, "alter table public.cogo_migrations enable row level security", cancellationToken);
        }
    }

    private static async Task<Dictionary<int, (string Name, string Checksum)>> ReadRecordAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var record = new Dictionary<int, (string, string)>();
        await using var command = Command(connection, "select version, name, checksum from public.cogo_migrations");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            record.Add(reader.GetInt32(0), (reader.GetString(1), reader.GetString(2)));
        }

        return record;
    }

    private static async Task RecordAsync(NpgsqlConnection connection, MigrationScript script, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, "insert into public.cogo_migrations (version, name, checksum) values ($1, $2, $3)", script.Version, script.Name, script.Checksum);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, MigrationScript script, CancellationToken cancellationToken)
    {
        try
        {
            await ExecuteAsync(connection, script.Sql, cancellationToken);
        }
        catch (PostgresException e)
        {
            throw Failed(script, e, "Nothing was changed: this script and those before it in the same upgrade were rolled back.");
        }
    }

    private async Task ApplyAloneAsync(MigrationScript script, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await _dataSource.OpenConnectionAsync(cancellationToken);

            // A batch command holds one statement and says so if there are more.
            await using var batch = new NpgsqlBatch(connection) { Timeout = 0, BatchCommands = { new NpgsqlBatchCommand(script.Sql) } };
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e)
        {
            throw Failed(script, e, "It runs outside a transaction, so parts of it may remain (an invalid index); correct the cause and migrate again.");
        }
        catch (NotSupportedException e)
        {
            throw new MigrationException($"{script.FileName} is marked -- no-transaction and holds several statements: put each into a file of its own.", e);
        }
    }

    private static MigrationException Failed(MigrationScript script, PostgresException e, string state) =>
        new($"Migration {script.FileName} failed: {e.SqlState} {e.MessageText}. {state}", e);

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params object[] values)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    [LoggerMessage(EventId = 1201, Level = LogLevel.Information, Message = "Applied migration {File}")]
    private static partial void LogApplied(ILogger logger, string file);

    [LoggerMessage(EventId = 1202, Level = LogLevel.Information, Message = "Waiting for another process that migrates this database")]
    private static partial void LogWaiting(ILogger logger);
}
