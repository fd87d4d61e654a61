using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>The contestants of a run, each with its database, made when first asked for.</summary>
internal sealed class ContestantSet(BenchmarkServer server, BenchmarkOptions options, ILogger logger)
{
    private readonly List<string> _made = [];
    private int _databases;
    private PeerScripts? _scripts;

    /// <summary>Cogo, the peers, and where asked the ceiling; those of <c>--only</c>.</summary>
    /// <param name="cogo">Makes Cogo's side on a database with its schema, given by connection string.</param>
    /// <param name="ceiling">Scripts of the ceiling, such as <see cref="PgBench.Jobs"/>; null: there is none.</param>
    public async Task<IReadOnlyList<IContestant>> CreateAsync(Func<string, IContestant> cogo, string? ceiling, CancellationToken cancellationToken)
    {
        await DropAsync(cancellationToken);
        var contestants = new List<IContestant>();
        if (Wanted(CogoBus.ContestantName))
        {
            contestants.Add(cogo(server.ConnectionString(await CogoDatabaseAsync(cancellationToken))));
        }

        foreach (var (name, script) in new[] { ("graphile-worker", "graphile-worker.mjs"), ("pg-boss", "pg-boss.mjs") })
        {
            if (Wanted(name))
            {
                _scripts ??= await PeerScripts.InstallAsync(cancellationToken);
                var database = $"peer_{++_databases}";
                await server.CreateDatabaseAsync(database, cancellationToken);
                _made.Add(database);
                contestants.Add(new Peer(name, script, _scripts, server.Uri(database)));
            }
        }

        if (ceiling is not null && Wanted(PgBench.ContestantName))
        {
            contestants.AddRange(await CeilingAsync(ceiling, cancellationToken));
        }

        return contestants;
    }

    /// <summary>Cogo, the peers, and a ceiling of the case's own.</summary>
    public async Task<IReadOnlyList<IContestant>> CreateWithAsync(
        Func<string, IContestant> cogo, Func<string, IContestant> ceiling, CancellationToken cancellationToken)
    {
        var contestants = await CreateAsync(cogo, ceiling: null, cancellationToken);
        return Wanted(PgBench.ContestantName)
            ? [.. contestants, ceiling(server.ConnectionString(await CogoDatabaseAsync(cancellationToken)))]
            : contestants;
    }

    /// <summary>A new database with Cogo's schema; returns its name.</summary>
    public async Task<string> CogoDatabaseAsync(CancellationToken cancellationToken)
    {
        var name = $"cogo_{++_databases}";
        await server.CreateCogoDatabaseAsync(name, logger, cancellationToken);
        _made.Add(name);
        return name;
    }

    public bool Wanted(string name) => options.Only.Count == 0 || options.Only.Contains(name, StringComparer.Ordinal);

    /// <summary>Drops the databases of the case before: vacuum must not work on them in this one's time, and they may fill the disk.</summary>
    public async Task DropAsync(CancellationToken cancellationToken)
    {
        foreach (var database in _made)
        {
            await server.DropDatabaseAsync(database, cancellationToken);
        }

        _made.Clear();
    }

    private async Task<IEnumerable<IContestant>> CeilingAsync(string scripts, CancellationToken cancellationToken)
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
        return [new PgBench(program, server.Uri(name), scripts)];
    }
}
