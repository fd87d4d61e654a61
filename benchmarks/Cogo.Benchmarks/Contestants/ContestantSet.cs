using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>The contestants of a run, each with its database, made when first asked for.</summary>
internal sealed class ContestantSet(BenchmarkServer server, BenchmarkOptions options, ILogger logger)
{
    private int _databases;
    private PeerScripts? _scripts;

    /// <summary>Cogo, the peers, and where asked the ceiling; those of <c>--only</c>.</summary>
    public async Task<IReadOnlyList<IContestant>> CreateAsync(bool ceiling, CancellationToken cancellationToken)
    {
        var contestants = new List<IContestant>();
        if (Wanted(CogoBus.ContestantName))
        {
            contestants.Add(new CogoBus(server.ConnectionString(await CogoDatabaseAsync(cancellationToken))));
        }

        foreach (var (name, script) in new[] { ("graphile-worker", "graphile-worker.mjs"), ("pg-boss", "pg-boss.mjs") })
        {
            if (Wanted(name))
            {
                _scripts ??= await PeerScripts.InstallAsync(cancellationToken);
                var database = $"peer_{++_databases}";
                await server.CreateDatabaseAsync(database, cancellationToken);
                contestants.Add(new Peer(name, script, _scripts, server.Uri(database)));
            }
        }

        if (ceiling && Wanted(PgBench.ContestantName))
        {
            contestants.AddRange(await CeilingAsync(cancellationToken));
        }

        return contestants;
    }

    /// <summary>A new database with Cogo's schema; returns its name.</summary>
    public async Task<string> CogoDatabaseAsync(CancellationToken cancellationToken)
    {
        var name = $"cogo_{++_databases}";
        await server.CreateCogoDatabaseAsync(name, logger, cancellationToken);
        return name;
    }

    public bool Wanted(string name) => options.Only.Count == 0 || options.Only.Contains(name, StringComparer.Ordinal);

    private async Task<IEnumerable<IContestant>> CeilingAsync(CancellationToken cancellationToken)
    {
        if (await PgBench.FindAsync(server.Postgres.Installation.BinDirectory, cancellationToken) is not { } program)
        {
            await Console.Error.WriteLineAsync("  No ceiling is measured: pgbench is not installed (Debian: apt-get install postgresql-contrib).");
            return [];
        }

        var name = await CogoDatabaseAsync(cancellationToken);
        await using var database = NpgsqlDataSource.Create(server.ConnectionString(name));
        // The session that pgbench claims for.
        await using var session = database.CreateCommand(
            "insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('pgbench', '', 0, 0, 'infinity')");
        await session.ExecuteNonQueryAsync(cancellationToken);
        return [new PgBench(program, server.Uri(name))];
    }
}
