using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>
/// The ceiling of the latency cases: what no queue that makes both publishing and claiming durable can be faster than. A
/// message is two rows inserted by hand, each in a transaction of its own, one after the other, on warm connections.
/// </summary>
internal sealed class TwoCommits(string connectionString) : IContestant
{
    public string Name => PgBench.ContestantName;

    public async Task<IReadOnlyDictionary<string, double>> RunAsync(Workload workload, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString) { NoResetOnClose = true, MaxAutoPrepare = 5, AutoPrepareMinUsages = 2 };
        await using var database = NpgsqlDataSource.Create(settings);
        await using (var table = database.CreateCommand("create table if not exists two_commits (n bigint)"))
        {
            await table.ExecuteNonQueryAsync(cancellationToken);
        }

        var times = new ConcurrentQueue<double>();
        await OpenLoop.RunAsync(OpenLoop.WarmupRate, OpenLoop.WarmupSeconds, SendAsync, cancellationToken);
        times.Clear();
        await OpenLoop.RunAsync(workload.Rate, workload.Seconds, SendAsync, cancellationToken);
        return OpenLoop.Percentiles(times);

        async Task SendAsync(long from)
        {
            for (var commit = 0; commit < 2; commit++)
            {
                await using var insert = database.CreateCommand("insert into two_commits values ($1)");
                insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = from });
                await insert.ExecuteNonQueryAsync(cancellationToken);
            }

            times.Enqueue(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
        }
    }
}
