using System.Diagnostics;
using System.Text.Json;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Time from the moment a message, or a job, was due to be sent to its handler.</summary>
internal static class CogoLatency
{
    public static async Task<IReadOnlyDictionary<string, double>> OfMessagesAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        var times = new LatencyTimes();
        await using var bus = CogoSettings.Bus(database);
        await using var other = CogoSettings.Bus(database);
        var publisher = workload.Apart ? other.Publisher : bus.Publisher;
        await bus.SubscribeAsync(CogoSettings.Route, new TimedMessages(times), CogoSettings.Subscription, cancellationToken);
        return await times.MeasureAsync(
            workload, due => publisher.PublishAsync(new OutgoingMessage(CogoSettings.Route, LatencyTimes.Payload(due)), cancellationToken), cancellationToken);
    }

    public static async Task<IReadOnlyDictionary<string, double>> OfJobsAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        var times = new LatencyTimes();
        await using var bus = CogoSettings.Bus(database);
        await using var other = CogoSettings.Bus(database);
        var queue = new JobQueue(database, workload.Apart ? other : bus);
        await using var worker = CogoSettings.JobWorker(database, bus, new TimedJobs(times));
        await worker.StartAsync(cancellationToken);
        return await times.MeasureAsync(
            workload, due => queue.EnqueueAsync(new JobRequest(CogoSettings.JobType, LatencyTimes.Payload(due)), cancellationToken), cancellationToken);
    }

    private sealed class TimedMessages(LatencyTimes times) : IMessageHandler
    {
        public Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
        {
            var now = Stopwatch.GetTimestamp();
            using var payload = JsonDocument.Parse(delivery.Payload);
            times.Add(payload.RootElement, now);
            return Task.FromResult<Outcome>(Outcome.Completed());
        }
    }

    private sealed class TimedJobs(LatencyTimes times) : IJobHandler
    {
        public string Type => CogoSettings.JobType;

        public Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
        {
            times.Add(job.Payload, Stopwatch.GetTimestamp());
            return Task.FromResult<JobOutcome>(new JobOutcome.Succeeded());
        }
    }
}
