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

    private readonly NpgsqlDataSource _database;
    private readonly BusOptions _options;
    private readonly Bell _bell;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public Maintenance(NpgsqlDataSource database, BusOptions options, Bell bell, TimeProvider time, ILogger logger)
    {
        _database = database;
        _options = options;
        _bell = bell;
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
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

                _bell.Ring(await LanesAsync("select distinct lane from public.cogo_reap() lane"));
                if (kept is null || _time.GetElapsedTime(kept.Value) > HousekeepingInterval)
                {
                    await KeepHouseAsync();
                    kept = _time.GetTimestamp();
                }

                await Task.Delay(_options.HeartbeatInterval * (0.75 + (Random.Shared.NextDouble() * 0.5)), _time, _stop.Token);
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
        var dead = new List<long>();
        await using (var ask = _database.CreateCommand("select session_id, host, pid, pid_started from public.bus_sessions where ended_at is null"))
        await using (var reader = await ask.ExecuteReaderAsync(_stop.Token))
        {
            while (await reader.ReadAsync(_stop.Token))
            {
                if (new ProcessIdentity(reader.GetString(1), reader.GetInt32(2), reader.GetInt64(3)).IsCertainlyGone())
                {
                    dead.Add(reader.GetInt64(0));
                }
            }
        }

        foreach (var session in dead)
        {
            LogNeighbour(session);
            _bell.Ring(await LanesAsync("select distinct lane from public.cogo_end_session($1, 'The worker''s process is gone.') lane", session));
        }
    }

    private async Task<List<long>> LanesAsync(string sql, long? session = null)
    {
        var lanes = new List<long>();
        await using var command = _database.CreateCommand(sql);
        if (session is { } id)
        {
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        }

        await using var reader = await command.ExecuteReaderAsync(_stop.Token);
        while (await reader.ReadAsync(_stop.Token))
        {
            lanes.Add(reader.GetInt64(0));
        }

        return lanes;
    }

    private async Task KeepHouseAsync()
    {
        await using var partitions = _database.CreateCommand("select public.cogo_ensure_partitions()");
        await partitions.ExecuteNonQueryAsync(_stop.Token);
        await using var prune = _database.CreateCommand("select public.cogo_prune($1)");
        prune.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = _options.KeepFinished });
        await prune.ExecuteNonQueryAsync(_stop.Token);
    }

    [LoggerMessage(EventId = 1050, Level = LogLevel.Warning, Message = "Maintenance of the bus did not get through; trying again")]
    private partial void LogFailed(Exception error);

    [LoggerMessage(EventId = 1051, Level = LogLevel.Information, Message = "Session {Session} belonged to a process of this machine that is gone: what it held is delivered again")]
    private partial void LogNeighbour(long session);
}
