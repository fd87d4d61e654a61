using System.Diagnostics;
using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;
using Npgsql;

namespace Cogo.Benchmarks.Cases;

/// <summary>What a worker process costs that has nothing to do.</summary>
internal sealed class IdleCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!contestants.Wanted(CogoBus.ContestantName))
        {
            yield break;
        }

        var name = await contestants.CogoDatabaseAsync(cancellationToken);
        // Only the worker's queries are to be counted.
        await server.ExecuteAsync("postgres", "alter system set autovacuum = off", cancellationToken);
        await server.ExecuteAsync("postgres", "select pg_reload_conf()", cancellationToken);
        await using var worker = await CogoWorkerProcess.StartAsync(server.ConnectionString(name), cancellationToken);
        await Task.Delay(Settling, cancellationToken);
        var processor = new List<double>();
        var queries = new List<double>();
        for (var round = 0; round < options.Rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            var (time, transactions) = (worker.ProcessorTime, await TransactionsAsync(name, cancellationToken));
            await Task.Delay(TimeSpan.FromSeconds(options.Quick ? 10 : 30), cancellationToken);
            var seconds = clock.Elapsed.TotalSeconds;
            processor.Add((worker.ProcessorTime - time).TotalSeconds / seconds * 100);
            queries.Add((await TransactionsAsync(name, cancellationToken) - transactions) / seconds);
        }

        await server.ExecuteAsync("postgres", "alter system reset autovacuum", cancellationToken);
        await server.ExecuteAsync("postgres", "select pg_reload_conf()", cancellationToken);
        yield return new CaseResult("idle_processor", "%", new Series(processor), new Dictionary<string, Series>(StringComparer.Ordinal), null) { Note = "Of one core, a worker process." };
        yield return new CaseResult("idle_queries", "queries/s", new Series(queries), new Dictionary<string, Series>(StringComparer.Ordinal), null) { Note = "Transactions of the database, autovacuum switched off meanwhile." };
    }

    /// <summary>Asked from another database, so that asking does not count.</summary>
    private async Task<long> TransactionsAsync(string database, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString("postgres"));
        await connection.OpenAsync(cancellationToken);
        await using var ask = new NpgsqlCommand("select xact_commit + xact_rollback from pg_stat_database where datname = $1", connection);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = database });
        return (long)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }
}
