using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// A worker process's standing with the database: one row, one lease for all it holds. When the lease is lost,
/// <see cref="Lost"/> is cancelled, everything held is void, and a new session is opened.
/// </summary>
internal sealed partial class WorkerSession : IAsyncDisposable
{
    private readonly IBusStore _store;
    private readonly BusOptions _options;
    private readonly BusRuntime _runtime;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _renewal = Task.CompletedTask;

    private WorkerSession(long id, IBusStore store, BusOptions options, BusRuntime runtime, ILogger logger)
    {
        Id = id;
        _store = store;
        _options = options;
        _runtime = runtime;
        _time = runtime.Time;
        _logger = logger;
    }

    public long Id { get; }

    public ClaimLedger Claims { get; } = new();

    /// <summary>Cancelled once: when another worker took the lease, or it could not be renewed in time.</summary>
    public CancellationToken Lost => _lost.Token;

    public static async Task<WorkerSession> OpenAsync(
        IBusStore store, BusOptions options, IReadOnlyCollection<string> routes, BusRuntime runtime, ILogger logger, CancellationToken cancellationToken)
    {
        var session = new WorkerSession(await store.OpenSessionAsync(routes, cancellationToken), store, options, runtime, logger);
        session._renewal = runtime.Run(session.RenewAsync);
        return session;
    }

    /// <summary>Writes down which routes are read, for those who look who works.</summary>
    public Task AnnounceAsync(IReadOnlyCollection<string> routes, CancellationToken cancellationToken) =>
        _store.AnnounceRoutesAsync(Id, routes, cancellationToken);

    /// <summary>This session has ended, or is given up: it is not renewed any more.</summary>
    public void MarkLost()
    {
        Claims.Freeze();
        _lost.Cancel();
    }

    /// <summary>Ends the session; what it still holds goes back to the routes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _runtime.CancelAsync(_stop);
        await _renewal;
        if (!_lost.IsCancellationRequested)
        {
            try
            {
                await _store.EndSessionAsync(Id, "The worker stopped.", CancellationToken.None);
            }
            catch (NpgsqlException e)
            {
                // Nothing is lost by it: the lease runs out.
                LogNotEnded(e, Id);
            }
        }

        _stop.Dispose();
        _lost.Dispose();
    }

    private async Task RenewAsync()
    {
        var renewed = _time.GetTimestamp();
        var interval = _options.HeartbeatInterval;
        while (!_stop.IsCancellationRequested && !_lost.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(interval, _time, _stop.Token);
                if (_lost.IsCancellationRequested)
                {
                    return;
                }

                // The lease is counted from before the statement left: the database's is never shorter than ours.
                var asked = _time.GetTimestamp();
                if (!await TryRenewAsync())
                {
                    LogTaken(Id);
                    await _runtime.CancelAsync(_lost);
                    return;
                }

                renewed = asked;
                await HandBackLostClaimsAsync();
                interval = _options.HeartbeatInterval;
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or OperationCanceledException)
            {
                if (_time.GetElapsedTime(renewed) > _options.LeaseDuration)
                {
                    LogRanOut(e, Id);
                    await _runtime.CancelAsync(_lost);
                    return;
                }

                LogNotRenewed(e, Id);
                interval = TimeSpan.FromMilliseconds(Math.Min(1000, _options.HeartbeatInterval.TotalMilliseconds));
            }
        }
    }

    private async Task<bool> TryRenewAsync()
    {
        using var deadline = new CancellationTokenSource(_options.HeartbeatInterval, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, deadline.Token);
        return await _store.RenewSessionAsync(Id, Claims.Floor(), limit.Token);
    }

    private async Task HandBackLostClaimsAsync()
    {
        if (Claims.Doubts() is not { } doubts)
        {
            return;
        }

        var asked = _time.GetTimestamp();
        var handedBack = await _store.ReleaseUnknownAsync(Id, doubts.From, doubts.Known, _stop.Token);
        if (handedBack > 0)
        {
            LogHandedBack(handedBack, Id);
        }

        Claims.Settle(doubted => _time.GetElapsedTime(doubted, asked) > _options.LeaseDuration);
    }

    [LoggerMessage(EventId = 1014, Level = LogLevel.Warning, Message = "{Messages} messages that session {Session} had claimed without hearing of it went back to their routes")]
    private partial void LogHandedBack(int messages, long session);

    [LoggerMessage(EventId = 1010, Level = LogLevel.Warning, Message = "Session {Session} was taken over: what it held is void")]
    private partial void LogTaken(long session);

    [LoggerMessage(EventId = 1011, Level = LogLevel.Warning, Message = "Session {Session} could not renew its lease in time: what it held is void")]
    private partial void LogRanOut(Exception error, long session);

    [LoggerMessage(EventId = 1012, Level = LogLevel.Warning, Message = "Session {Session} could not renew its lease; trying again")]
    private partial void LogNotRenewed(Exception error, long session);

    [LoggerMessage(EventId = 1013, Level = LogLevel.Warning, Message = "Session {Session} could not be ended; its lease will run out")]
    private partial void LogNotEnded(Exception error, long session);
}
