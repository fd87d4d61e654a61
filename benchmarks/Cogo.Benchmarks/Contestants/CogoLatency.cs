using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Cogo.Core.Bus;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Time from the moment a message was due to be sent to its handler.</summary>
internal static class CogoLatency
{
    public static async Task<IReadOnlyDictionary<string, double>> RunAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        var times = new ConcurrentQueue<double>();
        await using var bus = CogoSettings.Bus(database);
        await using var other = CogoSettings.Bus(database);
        var publisher = workload.Apart ? other.Publisher : bus.Publisher;
        await bus.SubscribeAsync(CogoSettings.Route, new Timing(times), CogoSettings.Subscription, cancellationToken);
        var warmup = await OpenLoop.RunAsync(OpenLoop.WarmupRate, OpenLoop.WarmupSeconds, SendAsync, cancellationToken);
        await UntilHandledAsync(warmup);
        times.Clear();
        var total = await OpenLoop.RunAsync(workload.Rate, workload.Seconds, SendAsync, cancellationToken);
        await UntilHandledAsync(total);
        return OpenLoop.Percentiles(times);

        async Task SendAsync(long due) => await publisher.PublishAsync(
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
