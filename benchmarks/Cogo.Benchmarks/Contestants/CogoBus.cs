using System.Diagnostics;
using Npgsql;

namespace Cogo.Benchmarks.Contestants;

/// <summary>Cogo's bus, publishing and handling in this process, or handled by more worker processes.</summary>
internal sealed class CogoBus(string connectionString) : IContestant, IAsyncDisposable
{
    public const string ContestantName = "cogo";

    private readonly CogoWorkerProcesses _others = new(CogoWorkerProcess.Messages, connectionString);

    public string Name => ContestantName;

    public static IContestant Create(string connectionString) => new CogoBus(connectionString);

    public async Task<IReadOnlyDictionary<string, double>> RunAsync(Workload workload, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        return workload.Kind switch
        {
            WorkloadKind.Publish => await PublishAsync(database, workload, cancellationToken),
            WorkloadKind.EndToEnd => await EndToEndAsync(database, workload, cancellationToken),
            WorkloadKind.Backlog => await BacklogAsync(database, workload, cancellationToken),
            WorkloadKind.Latency => await CogoLatency.OfMessagesAsync(database, workload, cancellationToken),
            _ => throw new NotSupportedException($"Cogo's bus has no {workload.Kind}."),
        };
    }

    public ValueTask DisposeAsync() => _others.DisposeAsync();

    private static async Task<IReadOnlyDictionary<string, double>> PublishAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await using var bus = CogoSettings.Bus(database);
        await CogoPublishing.RunAsync(bus.Publisher.PublishAsync, workload, workload.Warmup, cancellationToken);
        var clock = Stopwatch.StartNew();
        await CogoPublishing.RunAsync(bus.Publisher.PublishAsync, workload, workload.Messages, cancellationToken);
        return PerSecond(workload.Messages, clock.Elapsed);
    }

    private async Task<IReadOnlyDictionary<string, double>> EndToEndAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await _others.StartAsync(workload.Workers - 1, cancellationToken);
        await using var acknowledged = await AcknowledgedCount.OpenAsync(database, cancellationToken);
        await using var bus = CogoSettings.Bus(database);
        await bus.SubscribeAsync(CogoSettings.Route, new CogoSettings.Nothing(), CogoSettings.Subscription, cancellationToken);
        await CogoPublishing.RunAsync(bus.Publisher.PublishAsync, workload, workload.Warmup, cancellationToken);
        await acknowledged.UntilAsync(workload.Warmup, cancellationToken);
        await acknowledged.RestartAsync(cancellationToken);

        var clock = Stopwatch.StartNew();
        await CogoPublishing.RunAsync(bus.Publisher.PublishAsync, workload, workload.Messages, cancellationToken);
        await acknowledged.UntilAsync(workload.Messages, cancellationToken);
        return PerSecond(workload.Messages, clock.Elapsed);
    }

    private static async Task<IReadOnlyDictionary<string, double>> BacklogAsync(NpgsqlDataSource database, Workload workload, CancellationToken cancellationToken)
    {
        await using var bus = CogoSettings.Bus(database);
        return await CogoBacklog.RunAsync(
            database, workload, bus.Publisher.PublishAsync,
            async token => await bus.SubscribeAsync(CogoSettings.Route, new CogoSettings.Nothing(), CogoSettings.Subscription, token), cancellationToken);
    }

    private static Dictionary<string, double> PerSecond(int messages, TimeSpan elapsed) =>
        new(StringComparer.Ordinal) { ["per_second"] = messages / elapsed.TotalSeconds };
}
