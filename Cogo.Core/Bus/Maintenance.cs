using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// What some worker must do now and then: take over expired leases, make tomorrow's partitions, forget what is
/// finished. Every worker does it; the database's locks let one at a time.
/// </summary>
internal sealed partial class Maintenance : IAsyncDisposable
{
    private static readonly TimeSpan HousekeepingInterval = TimeSpan.FromMinutes(30);

    private readonly IBusStore _store;
    private readonly BusOptions _options;
    private readonly Bell _bell;
    private readonly BusRuntime _runtime;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public Maintenance(IBusStore store, BusOptions options, Bell bell, BusRuntime runtime, ILogger logger)
    {
        _store = store;
        _options = options;
        _bell = bell;
        _runtime = runtime;
        _time = runtime.Time;
        _logger = logger;
        _loop = runtime.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _runtime.CancelAsync(_stop);
        await _loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var endedNeighbours = false;
        long? kept = null;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (!endedNeighbours)
                {
                    await EndDeadNeighboursAsync();
                    endedNeighbours = true;
                }

                _bell.Ring(await _store.ReapAsync(_stop.Token));
                if (kept is null || _time.GetElapsedTime(kept.Value) > HousekeepingInterval)
                {
                    await _store.KeepHouseAsync(_stop.Token);
                    kept = _time.GetTimestamp();
                }

                await Task.Delay(_runtime.Jittered(_options.HeartbeatInterval), _time, _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or OperationCanceledException)
            {
                LogFailed(e);
                await Task.Delay(TimeSpan.FromSeconds(1), _time, CancellationToken.None);
            }
        }
    }

    /// <summary>A worker of this machine that was killed need not be waited for.</summary>
    private async Task EndDeadNeighboursAsync()
    {
        foreach (var (session, process) in await _store.LiveSessionsAsync(_stop.Token))
        {
            if (process.IsCertainlyGone())
            {
                LogNeighbour(session);
                _bell.Ring(await _store.EndSessionAsync(session, "The worker's process is gone.", _stop.Token));
            }
        }
    }

    [LoggerMessage(EventId = 1050, Level = LogLevel.Warning, Message = "Maintenance of the bus did not get through; trying again")]
    private partial void LogFailed(Exception error);

    [LoggerMessage(EventId = 1051, Level = LogLevel.Information, Message = "Session {Session} belonged to a process of this machine that is gone: what it held is delivered again")]
    private partial void LogNeighbour(long session);
}
