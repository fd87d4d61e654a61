using Cogo.Core.Workflows;
using Cogo.Core.Workspaces;
using Npgsql;

namespace Cogo.Workers.Hosting;

/// <summary>One route that this process reads.</summary>
public sealed record WorkerAssignment(Route Route, WorkerRole Role, int Concurrency);

/// <summary>
/// Subscribes the assigned routes. Where the database does not answer yet, or has no schema yet, it tries again
/// until it does; meanwhile the health check says why.
/// </summary>
public sealed partial class BusWorkers(
    MessageBus bus, IEnumerable<WorkerAssignment> assignments, IServiceProvider services, TimeProvider time, ILogger<BusWorkers> logger)
    : IHostedService, IAsyncDisposable
{
    private readonly Queue<(WorkerAssignment Assignment, IMessageHandler Handler)> _missing = new();
    private readonly List<Subscription> _subscriptions = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _retries = Task.CompletedTask;

    /// <summary>Why not all routes are read; null when they are.</summary>
    public string? Problem { get; private set; } = "The workers have not been started.";

    /// <exception cref="IOException">A folder or program of this machine that a handler needs cannot be used; the message says which.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Before the database is asked: what this machine lacks, no waiting mends.
            foreach (var assignment in assignments)
                _missing.Enqueue((assignment, HandlerOf(assignment.Role)));
        }
        catch (WorkspaceException e)
        {
            throw new IOException(e.Message, e);
        }

        if (!await TrySubscribeAsync(cancellationToken))
        {
            _retries = RetryAsync();
        }
    }

    /// <summary>Hands back what handlers have not finished; another worker, or the next start, takes it up.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _retries;
        Problem = "The workers have been stopped.";
        await Task.WhenAll(_subscriptions.Select(subscription => subscription.DisposeAsync().AsTask()));
    }

    public ValueTask DisposeAsync()
    {
        _stop.Dispose();
        return ValueTask.CompletedTask;
    }

    private IMessageHandler HandlerOf(WorkerRole role) => role.EndsSteps
        ? ActivatorUtilities.CreateInstance<StepHandler>(services, role.Handler(services))
        : role.Handler(services);

    private async Task RetryAsync()
    {
        try
        {
            await DatabaseStart.RetryAsync(TrySubscribeAsync, time, _stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped before the database was there: nothing is held.
        }
    }

    private async Task<bool> TrySubscribeAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (_missing.TryPeek(out var next))
            {
                var (route, concurrency) = (next.Assignment.Route, next.Assignment.Concurrency);
                var options = new SubscriptionOptions { Concurrency = concurrency };
                _subscriptions.Add(await bus.SubscribeAsync(route, next.Handler, options, cancellationToken));
                _missing.Dequeue();
                LogReading(route, concurrency);
            }

            Problem = null;
            return true;
        }
        catch (NpgsqlException e)
        {
            Problem = DatabaseStart.Problem(e);
            LogNotReady(Problem);
            return false;
        }
    }

    [LoggerMessage(EventId = 4001, Level = LogLevel.Information, Message = "Reading {Route}, {Concurrency} at once")]
    private partial void LogReading(Route route, int concurrency);

    [LoggerMessage(EventId = 4002, Level = LogLevel.Warning, Message = "Not reading yet; trying again. {Problem}")]
    private partial void LogNotReady(string problem);
}
