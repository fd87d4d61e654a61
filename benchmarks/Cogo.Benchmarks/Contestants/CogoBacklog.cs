using System.Diagnostics;
using Cogo.Core.Bus;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Fills a backlog that nobody works on, then times how fast its front is drained.</summary>
internal static class CogoBacklog
{
    /// <param name="work">Starts a worker; disposing stops it.</param>
    public static async Task<IReadOnlyDictionary<string, double>> RunAsync(
        NpgsqlDataSource database, Workload workload, Func<OutgoingMessage[], CancellationToken, Task> publish,
        Func<CancellationToken, Task<IAsyncDisposable>> work, CancellationToken cancellationToken)
    {
        await using var acknowledged = await AcknowledgedCount.OpenAsync(database, cancellationToken);
        // Code and plans are warm before the backlog stands: then only its size differs.
        await using (await work(cancellationToken))
        {
            await CogoPublishing.RunAsync(publish, workload, workload.Warmup, cancellationToken);
            await acknowledged.UntilAsync(workload.Warmup, cancellationToken);
        }

        var drained = TimeSpan.Zero;
        var messages = 0;
        while (messages < workload.Messages)
        {
            await CogoPublishing.RunAsync(publish, workload, workload.Backlog, cancellationToken);
            await acknowledged.RestartAsync(cancellationToken);
            var clock = Stopwatch.StartNew();
            await using var worker = await work(cancellationToken);
            var part = Math.Min(workload.Backlog, workload.Messages);
            messages += (int)await acknowledged.UntilAtLeastAsync(part, cancellationToken);
            drained += clock.Elapsed;
            await acknowledged.UntilAsync(workload.Backlog, cancellationToken);
        }

        return new Dictionary<string, double>(StringComparer.Ordinal) { ["per_second"] = messages / drained.TotalSeconds };
    }
}
