using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Cogo.Core.Bus;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>
/// Time from the moment a message was due to be sent to its handler. The sender keeps its schedule whatever the
/// answers do (open loop), so a stall counts for every message that was due meanwhile.
/// </summary>
internal static class CogoLatency
{
    public static async Task<IReadOnlyDictionary<string, double>> RunAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        var times = new ConcurrentQueue<double>();
        await using var bus = CogoSettings.Bus(database);
        await bus.SubscribeAsync(CogoSettings.Route, new Timing(times), CogoSettings.Subscription, cancellationToken);
        var warmup = await OpenLoopAsync(Math.Max(workload.Rate, 50), 1);
        await UntilHandledAsync(warmup);
        times.Clear();
        var total = await OpenLoopAsync(workload.Rate, workload.Seconds);
        await UntilHandledAsync(total);
        double[] sorted = [.. times.Order()];
        return new Dictionary<string, double>(StringComparer.Ordinal)
        {
            ["p50"] = At(sorted, 0.5),
            ["p99"] = At(sorted, 0.99),
            ["p999"] = At(sorted, 0.999),
        };

        async Task<int> OpenLoopAsync(double rate, double seconds)
        {
            var sent = new Task[Math.Max(1, (int)Math.Round(rate * seconds))];
            var start = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 200);
            for (var i = 0; i < sent.Length; i++)
            {
                var due = start + (long)(i / rate * Stopwatch.Frequency);
                var ahead = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (ahead > TimeSpan.Zero)
                {
                    await Task.Delay(ahead, cancellationToken);
                }

                sent[i] = SendAsync(due);
            }

            await Task.WhenAll(sent);
            return sent.Length;
        }

        async Task SendAsync(long due) => await bus.Publisher.PublishAsync(
            new OutgoingMessage(CogoSettings.Route, string.Create(CultureInfo.InvariantCulture, $$"""{"due":{{due}},"pad":"{{new string('x', 60)}}"}""")), cancellationToken);

        async Task UntilHandledAsync(int messages)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            while (times.Count < messages)
            {
                await Task.Delay(5, limit.Token);
            }
        }
    }

    private static double At(double[] sorted, double share) =>
        sorted[Math.Min(sorted.Length - 1, (int)Math.Ceiling(share * sorted.Length) - 1)];

    private sealed class Timing(ConcurrentQueue<double> times) : IMessageHandler
    {
        public Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
        {
            var now = Stopwatch.GetTimestamp();
            using var payload = JsonDocument.Parse(delivery.Payload);
            times.Enqueue(Stopwatch.GetElapsedTime(payload.RootElement.GetProperty("due").GetInt64(), now).TotalMilliseconds);
            return Task.FromResult<Outcome>(Outcome.Completed());
        }
    }
}
