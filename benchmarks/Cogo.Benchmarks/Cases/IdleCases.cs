using System.Diagnostics;
using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Contestants;
using Cogo.Benchmarks.Reporting;
using Npgsql;

namespace Cogo.Benchmarks.Cases;

/// <summary>What a worker process costs that has nothing to do: one of the bus, and one of the job queue.</summary>
internal sealed class IdleCases(BenchmarkServer server, ContestantSet contestants, BenchmarkOptions options)
{
    private const string Application = "cogo-idle-worker";

    /// <summary>What runs once a second is compiled for good only after a minute or two; until then that is most of what a worker costs.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan QuickSettling = TimeSpan.FromSeconds(5);
    private static readonly Dictionary<string, Series> NoPeers = new(StringComparer.Ordinal);

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!contestants.Wanted(CogoBus.ContestantName))
        {
            yield break;
        }

        foreach (var (kind, name) in new[] { (CogoWorkerProcess.Messages, "idle"), (CogoWorkerProcess.Jobs, "jobs_idle") })
        {
            if (!options.WantsCase($"{name}_processor", $"{name}_queries"))
            {
                continue;
            }

            var database = await contestants.CogoDatabaseAsync(cancellationToken);
            var statements = await StatementLog.OpenAsync(server, database, Application, cancellationToken);
            var connection = new NpgsqlConnectionStringBuilder(server.ConnectionString(database)) { ApplicationName = Application }.ConnectionString;
            await using var worker = await CogoWorkerProcess.StartAsync(kind, connection, cancellationToken);
            await Task.Delay(options.Quick ? QuickSettling : Settling, cancellationToken);
            var processor = new List<double>();
            var queries = new List<double>();
            var sent = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var round = 0; round < options.Rounds; round++)
            {
                var clock = Stopwatch.StartNew();
                var time = worker.ProcessorTime;
                await statements.ReadNewAsync(cancellationToken);
                await Task.Delay(TimeSpan.FromSeconds(options.Quick ? 10 : 30), cancellationToken);
                var seconds = clock.Elapsed.TotalSeconds;
                processor.Add((worker.ProcessorTime - time).TotalSeconds / seconds * 100);
                var texts = await statements.ReadNewAsync(cancellationToken);
                queries.Add(texts.Count / seconds);
                foreach (var text in texts)
                {
                    sent[text] = sent.GetValueOrDefault(text) + 1;
                }
            }

            foreach (var (text, times) in sent.OrderByDescending(one => one.Value))
            {
                await Console.Error.WriteLineAsync($"  {name}: {times} x {text}");
            }

            yield return new CaseResult($"{name}_processor", "%", new Series(processor), NoPeers, null) { Note = "Of one core, a worker process." };
            yield return new CaseResult($"{name}_queries", "queries/s", new Series(queries), NoPeers, null) { Note = "Statements that the server's log has from the worker." };
        }
    }
}
