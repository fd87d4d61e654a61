using Cogo.Core.Bus;
using Cogo.Core.Database;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Jobs;

/// <summary>
/// Enqueues recurring jobs on time. Every worker stands ready, one leads: it holds a lease row, and when it falls
/// silent another takes over. Two that both think they lead do no harm: a run's time is its idempotency key.
/// </summary>
internal sealed partial class ScheduleLeader : IAsyncDisposable
{
    private const string Leadership = "job_schedules";
    private static readonly string Lead = SqlQuery.Load("lead_job_schedules");

    private readonly NpgsqlDataSource _database;

    /// <summary>For what an idle worker asks again and again: on a connection of the pool each time would be two statements.</summary>
    private readonly StandingConnections _connections;
    private readonly JobSchedules _schedules;
    private readonly string _holder;
    private readonly TimeSpan _lease;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private long? _term;

    public ScheduleLeader(NpgsqlDataSource database, JobSchedules schedules, string holder, TimeSpan lease, TimeProvider time, ILogger logger)
    {
        _database = database;
        _connections = new StandingConnections(database);
        _schedules = schedules;
        _holder = holder;
        _lease = lease;
        _time = time;
        _logger = logger;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Lets another lead at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        if (_term is { } term)
        {
            try
            {
                await using var yield = _database.CreateCommand("update public.leaders set lease_until = clock_timestamp() where name = $1 and holder = $2 and term = $3");
                yield.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Leadership });
                yield.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _holder });
                yield.Parameters.Add(new NpgsqlParameter<long> { TypedValue = term });
                await yield.ExecuteNonQueryAsync(CancellationToken.None);
            }
            catch (NpgsqlException e)
            {
                // The lease runs out by itself.
                LogFailed(e);
            }
        }

        await _connections.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            // Seldom, since each idle worker asks; soon again after a failure, since the lease runs.
            var pause = _lease * 2 / 3;
            try
            {
                var (term, next) = await LeadAsync();
                if (term != _term)
                {
                    _term = term;
                    LogTerm(term is null ? "stands by for" : "leads", term);
                }

                if (term is not null && next <= TimeSpan.Zero)
                {
                    var round = await _schedules.EnqueueDueAsync(_stop.Token);
                    if (round.Enqueued > 0)
                    {
                        LogEnqueued(round.Enqueued);
                    }

                    foreach (var schedule in round.SetAside)
                    {
                        LogSetAside(schedule.Name, schedule.Reason);
                    }

                    // None: another is at it just now.
                    pause = round.Due > 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(100);
                }
                else if (term is not null && next < pause)
                {
                    // A moment more, so that the clock of the database has passed the minute for certain.
                    pause = next.Value + TimeSpan.FromMilliseconds(10);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (Persistence.IsTransient(e) || e is OperationCanceledException)
            {
                LogFailed(e);
                pause = _lease / 10;
            }
            catch (Exception e)
            {
                LogBroken(e);
            }

            try
            {
                await Task.Delay(pause, _time, _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>The term while this worker leads, and how long until the next run; one query, since an idle worker asks it every few seconds.</summary>
    private async Task<(long? Term, TimeSpan? Next)> LeadAsync()
    {
        await using var connection = await _connections.RentAsync(_stop.Token);
        await using var lead = connection.Command(Lead);
        lead.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Leadership });
        lead.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _holder });
        lead.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = _lease });
        await connection.PrepareAsync(lead, _stop.Token);
        await using var reader = await lead.ExecuteReaderAsync(_stop.Token);
        await reader.ReadAsync(_stop.Token);
        return (reader.IsDBNull(0) ? null : reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetTimeSpan(1));
    }

    [LoggerMessage(EventId = 1220, Level = LogLevel.Debug, Message = "This worker {What} the schedules (term {Term})")]
    private partial void LogTerm(string what, long? term);

    [LoggerMessage(EventId = 1221, Level = LogLevel.Information, Message = "{Jobs} recurring jobs were enqueued")]
    private partial void LogEnqueued(int jobs);

    [LoggerMessage(EventId = 1222, Level = LogLevel.Warning, Message = "The schedules could not be seen to; trying again")]
    private partial void LogFailed(Exception error);

    [LoggerMessage(EventId = 1223, Level = LogLevel.Error, Message = "The schedules cannot be seen to")]
    private partial void LogBroken(Exception error);

    [LoggerMessage(EventId = 1224, Level = LogLevel.Error, Message = "Schedule {Name} cannot run and was set aside: {Reason} Correct it with `cogo schedule set`, or its row in job_schedules; then it goes on. The others run")]
    private partial void LogSetAside(string name, string reason);
}
