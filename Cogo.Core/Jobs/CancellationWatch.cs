using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Jobs;

/// <summary>Cancels running jobs that somebody asked to end: at once when the database rings, else at the next poll. Asks nothing while nothing runs.</summary>
internal sealed partial class CancellationWatch : IAsyncDisposable
{
    private const string Wanted = "select c.job_id, c.reason from public.job_cancellations c where c.job_id = any ($1)";

    private readonly NpgsqlDataSource _database;
    private readonly Latch _latch;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<long, Entry> _running = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public CancellationWatch(NpgsqlDataSource database, WakeUp wakeUp, long lane, TimeSpan interval, TimeProvider time, ILogger logger)
    {
        _database = database;
        _latch = wakeUp.Add(lane);
        _interval = interval;
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Watches over an attempt until the entry is disposed.</summary>
    public Entry Add(long job, CancellationToken attempt)
    {
        var entry = new Entry(this, job, attempt);
        _running[job] = entry;
        return entry;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _latch.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _latch.WaitAsync(_interval, _time, _stop.Token);
                if (!_running.IsEmpty)
                {
                    await LookAsync();
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (Persistence.IsTransient(e) || e is OperationCanceledException)
            {
                LogNotSeen(e);
            }
            catch (Exception e)
            {
                LogBroken(e);
            }
        }
    }

    private async Task LookAsync()
    {
        await using var ask = _database.CreateCommand(Wanted);
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. _running.Keys] });
        await using var reader = await ask.ExecuteReaderAsync(_stop.Token);
        while (await reader.ReadAsync(_stop.Token))
        {
            if (_running.TryGetValue(reader.GetInt64(0), out var entry))
            {
                entry.Cancel(reader.GetString(1));
            }
        }
    }

    [LoggerMessage(EventId = 1210, Level = LogLevel.Warning, Message = "Wishes to cancel jobs could not be read; trying again")]
    private partial void LogNotSeen(Exception error);

    [LoggerMessage(EventId = 1211, Level = LogLevel.Error, Message = "Wishes to cancel jobs cannot be read")]
    private partial void LogBroken(Exception error);

    /// <summary>One attempt that may be cancelled.</summary>
    internal sealed class Entry : IDisposable
    {
        private readonly CancellationWatch _watch;
        private readonly long _job;
        private readonly CancellationTokenSource _source;

        public Entry(CancellationWatch watch, long job, CancellationToken attempt)
        {
            (_watch, _job) = (watch, job);
            _source = CancellationTokenSource.CreateLinkedTokenSource(attempt);
        }

        /// <summary>Why it is to end; null while nobody asked.</summary>
        public string? Reason { get; private set; }

        public CancellationToken Token => _source.Token;

        public void Cancel(string reason)
        {
            if (Reason is null)
            {
                Reason = reason;
                try
                {
                    // Beside the watch, whose loop must not run inside a handler's callbacks.
                    _ = _source.CancelAsync();
                }
                catch (ObjectDisposedException)
                {
                    // The attempt has just ended by itself.
                }
            }
        }

        public void Dispose()
        {
            _watch._running.TryRemove(new KeyValuePair<long, Entry>(_job, this));
            _source.Dispose();
        }
    }
}
