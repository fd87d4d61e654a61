using System.Globalization;
using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;
using Npgsql;

namespace Cogo.Benchmarks.Cases;

/// <summary>Full load for minutes: is the end as fast as the beginning, also while a transaction elsewhere keeps vacuum from cleaning?</summary>
internal sealed class SteadyCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    // Its snapshot and its transaction id both keep dead rows from being cleaned until the end.
    private const string Hold = "begin isolation level repeatable read; select pg_current_xact_id()";

    private const int MostSecondsInTurn = 240;
    private const int MostSecondsATurn = 10;

    private static readonly Dictionary<string, Series> NoPeers = new(StringComparer.Ordinal);

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!contestants.Wanted(CogoBus.ContestantName))
        {
            yield break;
        }

        // Jobs only in the long form: the short one is to be short.
        foreach (var queue in options.Quick ? new[] { QueueUnderTest.Bus } : [QueueUnderTest.Bus, QueueUnderTest.Jobs])
        {
            CaseResult? free = null;
            if (options.WantsCase($"{queue.Prefix}steady"))
            {
                yield return free = await RunAsync(queue, $"{queue.Prefix}steady", heldTransaction: false, cancellationToken);
            }

            if (options.WantsCase($"{queue.Prefix}steady_with_a_held_transaction"))
            {
                var held = await RunAsync(queue, $"{queue.Prefix}steady_with_a_held_transaction", heldTransaction: true, cancellationToken);
                yield return free is null ? held : held with
                {
                    Note = string.Create(CultureInfo.InvariantCulture, $"{held.Note} Of the run without a held transaction: {held.RatioTo(free.Cogo):0.00}."),
                };
            }

            if (options.WantsCase($"{queue.Prefix}steady_held_in_turn"))
            {
                yield return await RunInTurnAsync(queue, $"{queue.Prefix}steady_held_in_turn", cancellationToken);
            }
        }
    }

    private async Task<CaseResult> RunAsync(QueueUnderTest queue, string name, bool heldTransaction, CancellationToken cancellationToken)
    {
        await using var database = await FreshDatabaseAsync(cancellationToken);
        await using var holder = await database.OpenConnectionAsync(cancellationToken);
        if (heldTransaction)
        {
            await ExecuteAsync(holder, Hold, cancellationToken);
        }

        await server.SettleAsync(cancellationToken);
        var run = new SteadyRun(database, options.SteadyTime, jobs: queue == QueueUnderTest.Jobs);
        var perSecond = await run.RunAsync(beforeSecond: null, cancellationToken);
        var window = Math.Max(1, Math.Min(60, perSecond.Count / 4));
        var (first, last) = (new Series(perSecond.Take(window)), new Series(perSecond.TakeLast(window)));
        var (firstMean, lastMean) = (perSecond.Take(window).Average(), perSecond.TakeLast(window).Average());
        return new CaseResult(name, queue.Unit, last, NoPeers, null)
        {
            OwnRatio = lastMean / firstMean,
            Note = $"Last {window} s against the first {window} s (median {first.Median:0} {queue.Unit}) of {perSecond.Count} s. Dead rows at the end: {await DeadRowsAsync(database, cancellationToken)}.",
        };
    }

    /// <summary>One run, with a transaction held open for some seconds and for as many not, so that the machine's moods hit both alike.</summary>
    private async Task<CaseResult> RunInTurnAsync(QueueUnderTest queue, string name, CancellationToken cancellationToken)
    {
        await using var database = await FreshDatabaseAsync(cancellationToken);
        await using var holder = await database.OpenConnectionAsync(cancellationToken);
        await server.SettleAsync(cancellationToken);
        var seconds = Math.Min((int)options.SteadyTime.TotalSeconds, MostSecondsInTurn);
        var turn = Math.Clamp(seconds / 8, 1, MostSecondsATurn);
        var run = new SteadyRun(database, TimeSpan.FromSeconds(seconds), jobs: queue == QueueUnderTest.Jobs);
        var perSecond = await run.RunAsync(
            second => second > 0 && second % turn == 0 ? ExecuteAsync(holder, Held(second) ? Hold : "rollback", cancellationToken) : Task.CompletedTask,
            cancellationToken);

        var held = perSecond.Where((_, second) => Held(second)).ToList();
        var free = perSecond.Where((_, second) => !Held(second)).ToList();
        return new CaseResult(name, queue.Unit, new Series(held), NoPeers, null)
        {
            OwnRatio = held.Average() / free.Average(),
            Note = $"Seconds with a transaction held open against those without (median {new Series(free).Median:0} {queue.Unit}), {turn} s each in turn, {perSecond.Count} s in all.",
        };

        bool Held(int second) => second / turn % 2 == 1;
    }

    private async Task<NpgsqlDataSource> FreshDatabaseAsync(CancellationToken cancellationToken)
    {
        await contestants.DropAsync(cancellationToken);
        return NpgsqlDataSource.Create(server.ConnectionString(await contestants.CogoDatabaseAsync(cancellationToken)));
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<string> DeadRowsAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        // The statistics of sessions that have just ended come within a second.
        await Task.Delay(TimeSpan.FromSeconds(1.5), cancellationToken);
        var tables = new List<string>();
        await using var ask = database.CreateCommand(
            "select relname, n_dead_tup from pg_stat_user_tables where n_dead_tup > 0 order by n_dead_tup desc, relname");
        await using var reader = await ask.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            tables.Add($"{reader.GetString(0)} {reader.GetInt64(1)}");
        }

        return tables.Count == 0 ? "none" : string.Join(", ", tables);
    }
}
