using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Times of messages that carry the moment they were due, in this process's clock.</summary>
internal sealed class LatencyTimes
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly ConcurrentQueue<double> _milliseconds = new();

    public static string Payload(long due) => string.Create(CultureInfo.InvariantCulture, $$"""{"due":{{due}},"pad":"{{new string('x', 60)}}"}""");

    /// <param name="now">When the handler began.</param>
    public void Add(JsonElement payload, long now) =>
        _milliseconds.Enqueue(Stopwatch.GetElapsedTime(payload.GetProperty("due").GetInt64(), now).TotalMilliseconds);

    /// <summary>Warms up, sends at the workload's rate, waits until all were handled.</summary>
    /// <param name="send">Gets the timestamp for the payload.</param>
    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Workload workload, Func<long, Task> send, CancellationToken cancellationToken)
    {
        await UntilHandledAsync(await OpenLoop.RunAsync(OpenLoop.WarmupRate, OpenLoop.WarmupSeconds, send, cancellationToken), cancellationToken);
        _milliseconds.Clear();
        await UntilHandledAsync(await OpenLoop.RunAsync(workload.Rate, workload.Seconds, send, cancellationToken), cancellationToken);
        return OpenLoop.Percentiles(_milliseconds);
    }

    private async Task UntilHandledAsync(int messages, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        while (_milliseconds.Count < messages)
        {
            await Task.Delay(5, limit.Token);
        }
    }
}
