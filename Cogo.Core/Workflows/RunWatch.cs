using Cogo.Core.Bus;
using Cogo.Core.Database;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Workflows;

/// <summary>
/// Tells those who watch runs that something happened to theirs: at once when the database says so, by one LISTEN a
/// process, else at the next poll, which is one query for all that is watched. Listens and asks nothing before somebody
/// watches.
/// </summary>
public sealed partial class RunWatch : IAsyncDisposable
{
    /// <summary>Where the database names the trace of a run that has a new event.</summary>
    internal const string Channel = "cogo_runs";

    private static readonly string Poll = SqlQuery.Load("poll_watched_runs");

    private readonly NpgsqlDataSource _database;
    private readonly BusOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HashSet<Latch>> _watchers = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private Dictionary<string, (string Status, int LastEvent, long NewestId)> _known = new(StringComparer.Ordinal);
    private ChannelListener? _listener;
    private Task? _polling;
    private bool _disposed;

    public RunWatch(NpgsqlDataSource database, BusOptions options, TimeProvider time, ILogger<RunWatch> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_database, _options, _time, _logger) = (database, options, time, logger);
    }

    /// <summary>Watches the run of a trace until the watcher is disposed. Look at the run after this, not before: what happened earlier is not told.</summary>
    public RunWatcher Watch(string traceId)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _listener ??= new ChannelListener(_database, _options, Channel, Heard, SignalAll, _time, _logger);
            _polling ??= Task.Run(PollAsync);
            if (!_watchers.TryGetValue(traceId, out var latches))
            {
                _watchers[traceId] = latches = [];
            }

            var latch = new Latch(gone => Remove(traceId, gone));
            latches.Add(latch);
            return new RunWatcher(latch, _time);
        }
    }

    public async ValueTask DisposeAsync()
    {
        ChannelListener? listener;
        Task? polling;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            (listener, polling) = (_listener, _polling);
        }

        await _stop.CancelAsync();
        if (listener is not null)
        {
            await listener.DisposeAsync();
        }

        if (polling is not null)
        {
            await polling;
        }

        _stop.Dispose();
    }

    private void Heard(string traceId)
    {
        lock (_lock)
        {
            if (_watchers.TryGetValue(traceId, out var latches))
            {
                Signal(latches);
            }
        }
    }

    private void SignalAll()
    {
        lock (_lock)
        {
            foreach (var latches in _watchers.Values)
            {
                Signal(latches);
            }
        }
    }

    private static void Signal(HashSet<Latch> latches)
    {
        foreach (var latch in latches)
        {
            latch.Set();
        }
    }

    private void Remove(string traceId, Latch latch)
    {
        lock (_lock)
        {
            if (_watchers.TryGetValue(traceId, out var latches) && latches.Remove(latch) && latches.Count == 0)
            {
                _watchers.Remove(traceId);
            }
        }
    }

    private async Task PollAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_options.PollInterval, _time, _stop.Token);
                string[] watched;
                lock (_lock)
                {
                    watched = [.. _watchers.Keys];
                }

                _known = watched.Length == 0 ? [] : await LookAsync(watched);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or OperationCanceledException)
            {
                LogNotPolled(e);
            }
        }
    }

    /// <summary>Wakes the watchers of what changed since the last poll, and of what is looked at for the first time.</summary>
    private async Task<Dictionary<string, (string Status, int LastEvent, long NewestId)>> LookAsync(string[] watched)
    {
        var now = new Dictionary<string, (string, int, long)>(StringComparer.Ordinal);
        await using (var look = _database.CreateCommand(Poll))
        {
            look.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = watched });
            await using var reader = await look.ExecuteReaderAsync(_stop.Token);
            while (await reader.ReadAsync(_stop.Token))
            {
                now[reader.GetString(0)] = (reader.GetString(1), reader.GetInt32(2), reader.GetInt64(3));
            }
        }

        foreach (var traceId in watched)
        {
            // A run that is not there any more is news too.
            if (!now.TryGetValue(traceId, out var seen) || !_known.TryGetValue(traceId, out var before) || seen != before)
            {
                Heard(traceId);
            }
        }

        return now;
    }

    [LoggerMessage(EventId = 1310, Level = LogLevel.Warning, Message = "Runs that are watched could not be polled; trying again")]
    private partial void LogNotPolled(Exception error);
}

/// <summary>One watcher of a run.</summary>
public sealed class RunWatcher : IDisposable
{
    private readonly Latch _latch;
    private readonly TimeProvider _time;

    internal RunWatcher(Latch latch, TimeProvider time) => (_latch, _time) = (latch, time);

    /// <summary>True when something may have happened to the run since the last call; false when <paramref name="atMost"/> passed without.</summary>
    public Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _latch.WaitAsync(atMost, _time, cancellationToken);

    public void Dispose() => _latch.Dispose();
}
