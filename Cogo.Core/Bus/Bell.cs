using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// Wakes subscribers after a commit: those of this process at once, those of others by NOTIFY. NOTIFY takes a
/// lock that serialises commits, so it is sent at most once a <see cref="BusOptions.BellInterval"/>: with what is
/// published when the bell has been still for so long, else by one loop, with all lanes that rang in between. A ring
/// that is lost costs one polling interval, never a message.
/// </summary>
internal sealed partial class Bell : IAsyncDisposable
{
    /// <summary>The NOTIFY channel; the payload is a lane, <c>@</c> and who rings, or <c>*</c> for all.</summary>
    public const string Channel = "cogo_bus";

    private readonly IBusStore _store;
    private readonly BusOptions _options;
    private readonly WakeUp _wakeUp;
    private readonly BusRuntime _runtime;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<long> _rings = System.Threading.Channels.Channel.CreateBounded<long>(
        new BoundedChannelOptions(4096) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private readonly Lock _lock = new();

    /// <summary>Timestamp of the last NOTIFY; null: none yet.</summary>
    private long? _sent;

    /// <summary>A publish is on its way that carries the NOTIFY.</summary>
    private bool _carried;

    public Bell(IBusStore store, BusOptions options, WakeUp wakeUp, BusRuntime runtime, ILogger logger)
    {
        _store = store;
        _options = options;
        _wakeUp = wakeUp;
        _runtime = runtime;
        _time = runtime.Time;
        _logger = logger;
        _loop = runtime.Run(RunAsync);
    }

    /// <summary>
    /// True: the caller is to send the NOTIFY with what it publishes now, and to call <see cref="EndTurnWithPublish"/>
    /// when that has ended. One at a time: commits with NOTIFY wait for each other and for the disk, so several in one
    /// process would queue up whenever the disk is slow for a moment.
    /// </summary>
    public bool TakeTurnWithPublish()
    {
        lock (_lock)
        {
            if (_carried || _rings.Reader.Count > 0 || !TakeTurn())
            {
                return false;
            }

            return _carried = true;
        }
    }

    public void EndTurnWithPublish()
    {
        lock (_lock)
        {
            _carried = false;
        }
    }

    /// <summary>The NOTIFY of these lanes went with the commit: only this process's own subscribers are to be woken.</summary>
    public void Rang(IEnumerable<long> lanes)
    {
        foreach (var lane in lanes)
        {
            _wakeUp.Signal(lane);
        }
    }

    public void Ring(IEnumerable<long> lanes)
    {
        foreach (var lane in lanes)
        {
            _wakeUp.Signal(lane);
            _rings.Writer.TryWrite(lane);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _rings.Writer.TryComplete();
        // What rang last is still sent, within a moment.
        await Task.WhenAny(_loop, Task.Delay(TimeSpan.FromSeconds(1), _time));
        await _runtime.CancelAsync(_stop);
        await _loop;
        _stop.Dispose();
    }

    private bool TakeTurn()
    {
        lock (_lock)
        {
            if (_sent is { } sent && _time.GetElapsedTime(sent) < _options.BellInterval)
            {
                return false;
            }

            _sent = _time.GetTimestamp();
            return true;
        }
    }

    private async Task RunAsync()
    {
        try
        {
            var lanes = new HashSet<long>();
            while (await _rings.Reader.WaitToReadAsync(_stop.Token))
            {
                while (!TakeTurn())
                {
                    await Task.Delay(_options.BellInterval, _time, _stop.Token);
                }

                while (_rings.Reader.TryRead(out var lane))
                {
                    lanes.Add(lane);
                }

                try
                {
                    await _store.NotifyAsync(lanes, _stop.Token);
                }
                catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
                {
                    LogNotSent(e, lanes.Count);
                }

                lanes.Clear();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopping: subscribers elsewhere find the rest by polling.
        }
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Warning, Message = "A wake-up for {Lanes} routes was not sent; their subscribers find the messages by polling")]
    private partial void LogNotSent(Exception error, int lanes);
}
