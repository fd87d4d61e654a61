using System.Runtime.Versioning;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>A server, four workers that reach it in different ways, one that knows SQL alone, and what can be done to them.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class ChaosRig : IAsyncDisposable
{
    private static readonly TimeSpan PastTheLease = ChaosWorker.Lease + TimeSpan.FromSeconds(2);

    private readonly List<(Func<Task<WorkerProcess>> Start, WorkerProcess Process)> _workers = [];
    private WorkerProcess? _sql;
    private readonly PgBouncer _bouncer;
    private readonly StallingProxy _listenProxy;
    private readonly StallingProxy _proxy;

    private ChaosRig(ChaosServer server, PgBouncer bouncer)
    {
        (Server, _bouncer) = (server, bouncer);
        _listenProxy = new StallingProxy(server.Port);
        _proxy = new StallingProxy(server.Port);
    }

    public ChaosServer Server { get; }

    /// <summary>What can be done, by name; each ends with everything healed again.</summary>
    public IReadOnlyList<(string Name, Func<Random, Task> Run)> Faults =>
    [
        ("a worker is killed, and the one in SQL", KillAsync),
        ("a worker is stopped past its lease and continued, and the one in SQL", StopAsync),
        ("Postgres restarts without a shutdown", _ => Server.RestartAsync()),
        ("all connections are cut", _ => CutAsync()),
        ("LISTEN goes deaf", _ => _listenProxy.StallAsync(PastTheLease)),
        ("a worker's connections fall silent", _ => _proxy.StallAsync(PastTheLease)),
        ("the server has no connection left", _ => ExhaustAsync(TimeSpan.FromSeconds(3))),
        ("a transaction is held open elsewhere", _ => HoldTransactionAsync(TimeSpan.FromSeconds(5))),
        .. Server.HasSmallDisk ? [("the disk is full", _ => Server.FillDiskAsync(TimeSpan.FromSeconds(3)))] : Array.Empty<(string, Func<Random, Task>)>(),
    ];

    /// <param name="atLeast">How long faults are drawn: what is written meanwhile must find room.</param>
    public static async Task<ChaosRig> StartAsync(int postgres, TimeSpan atLeast)
    {
        var server = await ChaosServer.StartAsync(postgres, atLeast);
        PgBouncer bouncer;
        try
        {
            await ChaosLedger.CreateAsync(server.DataSource);
            bouncer = await PgBouncer.StartAsync(server.ConnectionString);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        var rig = new ChaosRig(server, bouncer);
        try
        {
            var direct = server.ConnectionString;
            // One that is an hour ahead and has a pool too small for its handlers; one through the pooler, which cannot
            // LISTEN there; one an hour behind whose every connection can fall silent; one that can go deaf, and alone knows
            // one type of job.
            await rig.AddAsync(() => WorkerProcess.StartAsync(With(direct, builder => builder.MaxPoolSize = 2), clock: TimeSpan.FromHours(1)));
            await rig.AddAsync(() => WorkerProcess.StartAsync(bouncer.ConnectionString));
            await rig.AddAsync(() => WorkerProcess.StartAsync(With(direct, builder => builder.Port = rig._proxy.Port), clock: TimeSpan.FromHours(-1)));
            await rig.AddAsync(() => WorkerProcess.StartAsync(direct, With(direct, builder => builder.Port = rig._listenProxy.Port), knowsRare: true));
            if (ChaosWorkloads.Chosen().Any(workload => workload is JobWorkload))
            {
                rig._sql = await WorkerProcess.StartSqlAsync(direct);
            }

            return rig;
        }
        catch
        {
            await rig.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops everything, workers gracefully; says afterwards who did not stop as it should.</summary>
    public async ValueTask DisposeAsync()
    {
        var failures = new List<Exception>();
        foreach (var part in _workers.Select(worker => (IAsyncDisposable)worker.Process).Concat(_sql is null ? [] : [_sql]).Concat([_proxy, _listenProxy, _bouncer, Server]))
        {
            try
            {
                await part.DisposeAsync();
            }
            catch (Exception e)
            {
                failures.Add(e);
            }
        }

        _workers.Clear();
        _sql = null;
        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    private static string With(string connectionString, Action<NpgsqlConnectionStringBuilder> change)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        change(builder);
        return builder.ConnectionString;
    }

    private async Task AddAsync(Func<Task<WorkerProcess>> start) => _workers.Add((start, await start()));

    private async Task KillAsync(Random random)
    {
        var (start, process) = _workers[random.Next(_workers.Count)];
        _workers.RemoveAll(worker => worker.Process == process);
        await process.KillAsync();
        await AddAsync(start);
        if (_sql is not null)
        {
            await _sql.KillAsync();
            _sql = await WorkerProcess.StartSqlAsync(Server.ConnectionString);
        }
    }

    private Task StopAsync(Random random)
    {
        var one = _workers[random.Next(_workers.Count)].Process.StopForAsync(PastTheLease);
        return _sql is null ? one : Task.WhenAll(one, _sql.StopForAsync(PastTheLease, SqlHoldsAsync));
    }

    /// <summary>Whether the stopped worker in SQL holds a job, and no call of its that is still under way ends it.</summary>
    private async Task<bool> SqlHoldsAsync()
    {
        await using var connection = new NpgsqlConnection(With(Server.ConnectionString, builder => builder.Pooling = false));
        await connection.OpenAsync();
        await using var ask = new NpgsqlCommand(
            """
            create temp table held as select session_id from bus_sessions where host = 'sql' and ended_at is null and lease_until > clock_timestamp();
            select pg_sleep(0.1);
            select exists (select 1 from held join bus_sessions using (session_id) where ended_at is null)
            """,
            connection);
        await using var reader = await ask.ExecuteReaderAsync();
        await reader.NextResultAsync();
        await reader.ReadAsync();
        return reader.GetBoolean(0);
    }

    private async Task CutAsync()
    {
        await using var connection = new NpgsqlConnection(With(Server.ConnectionString, builder => builder.Pooling = false));
        await connection.OpenAsync();
        for (var i = 0; i < 10; i++)
        {
            await using var cut = new NpgsqlCommand("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'", connection);
            await cut.ExecuteNonQueryAsync();
            await Task.Delay(100);
        }
    }

    private async Task ExhaustAsync(TimeSpan duration)
    {
        var held = new List<NpgsqlConnection>();
        try
        {
            while (true)
            {
                var connection = new NpgsqlConnection(With(Server.ConnectionString, builder => builder.Pooling = false));
                held.Add(connection);
                await connection.OpenAsync();
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            await Task.Delay(duration);
        }
        finally
        {
            foreach (var connection in held)
            {
                await connection.DisposeAsync();
            }
        }
    }

    private async Task HoldTransactionAsync(TimeSpan duration)
    {
        await using var connection = await Server.DataSource.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        foreach (var workload in ChaosWorkloads.Chosen())
        {
            await using var insert = new NpgsqlCommand(workload.LateInsert, connection, transaction);
            await insert.ExecuteNonQueryAsync();
        }

        await Task.Delay(duration);
        await transaction.CommitAsync();
    }
}
