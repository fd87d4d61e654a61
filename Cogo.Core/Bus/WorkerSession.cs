using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// A worker process's standing with the database: one row, one lease for all it holds. When the lease is lost,
/// <see cref="Lost"/> is cancelled, everything held is void, and a new session is opened.
/// </summary>
internal sealed partial class WorkerSession : IAsyncDisposable
{
    private readonly NpgsqlDataSource _database;
    private readonly BusOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _renewal = Task.CompletedTask;

    private WorkerSession(long id, NpgsqlDataSource database, BusOptions options, TimeProvider time, ILogger logger)
    {
        Id = id;
        _database = database;
        _options = options;
        _time = time;
        _logger = logger;
    }

    public long Id { get; }

    public ClaimLedger Claims { get; } = new();

    /// <summary>Cancelled once: when another worker took the lease, or it could not be renewed in time.</summary>
    public CancellationToken Lost => _lost.Token;

    public static async Task<WorkerSession> OpenAsync(
        NpgsqlDataSource database, BusOptions options, IReadOnlyCollection<string> routes, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var identity = ProcessIdentity.Current();
        await using var insert = database.CreateCommand(
            """
            insert into public.bus_sessions (worker_id, host, pid, pid_started, routes, lease_until)
            values ($1, $2, $3, $4, $5, clock_timestamp() + $6) returning session_id
            """);
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = options.WorkerId });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = identity.Host });
        insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = identity.Pid });
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = identity.StartedTicks });
        insert.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. routes] });
        insert.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = options.LeaseDuration });
        var session = new WorkerSession((long)(await insert.ExecuteScalarAsync(cancellationToken))!, database, options, time, logger);
        session._renewal = Task.Run(session.RenewAsync, CancellationToken.None);
        return session;
    }

    /// <summary>Writes down which routes are read, for those who look who works.</summary>
    public async Task AnnounceAsync(IReadOnlyCollection<string> routes, CancellationToken cancellationToken)
    {
        await using var update = _database.CreateCommand("update public.bus_sessions set routes = $2 where session_id = $1 and ended_at is null");
        update.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Id });
        update.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. routes] });
        await update.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The database said that this session has ended.</summary>
    public void MarkLost() => _lost.Cancel();

    /// <summary>Ends the session; what it still holds goes back to the routes.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _renewal;
        if (!_lost.IsCancellationRequested)
        {
            try
            {
                await using var end = _database.CreateCommand("select * from public.cogo_end_session($1, 'The worker stopped.')");
                end.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Id });
                await end.ExecuteNonQueryAsync(CancellationToken.None);
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
                // The lease is counted from before the statement left: the database's is never shorter than ours.
                var asked = _time.GetTimestamp();
                if (!await TryRenewAsync())
                {
                    LogTaken(Id);
                    await _lost.CancelAsync();
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
                    await _lost.CancelAsync();
                    return;
                }

                LogNotRenewed(e, Id);
                interval = TimeSpan.FromMilliseconds(Math.Min(1000, _options.HeartbeatInterval.TotalMilliseconds));
            }
        }
    }

    private async Task<bool> TryRenewAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(_options.HeartbeatInterval);
        await using var renew = _database.CreateCommand(
            """
            update public.bus_sessions set seen_at = clock_timestamp(), lease_until = clock_timestamp() + $2, floor_claim = $3
            where session_id = $1 and ended_at is null
            """);
        renew.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Id });
        renew.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = _options.LeaseDuration });
        renew.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Claims.Floor() });
        return await renew.ExecuteNonQueryAsync(limit.Token) == 1;
    }

    private async Task HandBackLostClaimsAsync()
    {
        if (Claims.Doubts() is not { } doubts)
        {
            return;
        }

        await using var release = _database.CreateCommand("select * from public.cogo_release_unknown($1, $2, $3, $4)");
        release.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Id });
        release.Parameters.Add(new NpgsqlParameter<long> { TypedValue = doubts.From });
        release.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = doubts.Known });
        release.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = _options.HeartbeatInterval / 2 });
        var handedBack = 0;
        await using (var reader = await release.ExecuteReaderAsync(_stop.Token))
        {
            while (await reader.ReadAsync(_stop.Token))
            {
                handedBack++;
            }
        }

        if (handedBack > 0)
        {
            LogHandedBack(handedBack, Id);
        }

        Claims.Settle(doubts.From);
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
