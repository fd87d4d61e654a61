using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// Asks for all idle routes of this process at once whether something waits for them: for what no wake-up told, and for
/// what waited for its time.
/// </summary>
internal sealed partial class Poller : IAsyncDisposable
{
    private readonly IBusStore _store;
    private readonly BusOptions _options;
    private readonly WakeUp _wakeUp;
    private readonly BusRuntime _runtime;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public Poller(IBusStore store, BusOptions options, WakeUp wakeUp, BusRuntime runtime, ILogger logger)
    {
        _store = store;
        _options = options;
        _wakeUp = wakeUp;
        _runtime = runtime;
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
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_runtime.Jittered(_options.PollInterval), _runtime.Time, _stop.Token);
                if (_wakeUp.WaitingLanes() is { Count: > 0 } waiting)
                {
                    foreach (var lane in await _store.ReadyLanesAsync(waiting, _stop.Token))
                    {
                        _wakeUp.Signal(lane);
                    }
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or OperationCanceledException)
            {
                LogFailed(e, _options.PollInterval);
            }
        }
    }

    [LoggerMessage(EventId = 1052, Level = LogLevel.Warning, Message = "Looking for waiting messages failed; trying again in {Interval}")]
    private partial void LogFailed(Exception error, TimeSpan interval);
}
