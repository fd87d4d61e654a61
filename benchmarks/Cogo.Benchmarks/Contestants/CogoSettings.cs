using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Cogo as every contestant and worker process of the benchmark uses it: with its defaults.</summary>
internal static class CogoSettings
{
    /// <summary>The type of every job.</summary>
    public const string JobType = "bench.work";

    /// <summary>So many handlers at once that a batch is at work while the next is claimed.</summary>
    public static SubscriptionOptions Subscription { get; } = new() { Concurrency = 2000 };

    public static Route Route { get; } = Route.Parse("bench/work/0");

    public static MessageBus Bus(NpgsqlDataSource database) => new(database, new BusOptions(), NullLogger<MessageBus>.Instance);

    /// <summary>To be started.</summary>
    public static JobWorker JobWorker(NpgsqlDataSource database, MessageBus bus, IJobHandler handler) => new(
        database, bus, new BusOptions(), new JobOptions { Concurrency = Subscription.Concurrency }, new JobCatalog([handler]), null, NullLoggerFactory.Instance);

    /// <summary>The handler that does nothing.</summary>
    internal sealed class Nothing : IMessageHandler
    {
        private static readonly Task<Outcome> Done = Task.FromResult<Outcome>(Outcome.Completed());

        public Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken) => Done;
    }

    /// <summary>The same for jobs.</summary>
    internal sealed class NoWork : IJobHandler
    {
        private static readonly Task<JobOutcome> Done = Task.FromResult<JobOutcome>(new JobOutcome.Succeeded());

        public string Type => JobType;

        public Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken) => Done;
    }
}
