using Cogo.Core.Bus;
using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Jobs;

/// <summary>The jobs that recur: <c>public.job_schedules</c>.</summary>
public sealed class JobSchedules(NpgsqlDataSource database, JobQueue queue)
{
    private static readonly string Put = SqlQuery.Load("put_job_schedule");
    private static readonly string Due = SqlQuery.Load("due_job_schedules");
    private static readonly string Advance = SqlQuery.Load("advance_job_schedule");
    private static readonly int PayloadLimitBytes = new BusOptions().PayloadLimitBytes;

    /// <summary>
    /// Creates or replaces a schedule. Of the job, type, payload, queue, priority, attempts and tenant are taken. A
    /// schedule whose cron did not change keeps the time of its next run.
    /// </summary>
    /// <exception cref="FormatException">The cron expression is none, or never comes.</exception>
    /// <exception cref="ArgumentException">A field of the job cannot be right.</exception>
    /// <returns>When it runs next.</returns>
    public async Task<DateTimeOffset> SetAsync(string name, string cron, JobRequest job, CancellationToken cancellationToken)
    {
        var next = Next(name, cron, job, await NowAsync(cancellationToken));
        await using var put = database.CreateCommand(Put);
        Add(put, name);
        Add(put, cron);
        Add(put, job.Type);
        Add(put, job.Queue);
        put.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Jsonb, Value = job.Payload });
        Add(put, (short)job.Priority);
        Add(put, (short)(job.MaxAttempts ?? 5));
        put.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)job.Tenant ?? DBNull.Value });
        Add(put, next);
        // Not reckoned yet: the leader will come to the same time.
        return (DateTime)(await put.ExecuteScalarAsync(cancellationToken))! is var stored && stored == DateTime.MinValue ? next : new DateTimeOffset(stored);
    }

    /// <summary>When such a schedule would run for the first time after <paramref name="now"/>. Checks what <see cref="SetAsync"/> checks.</summary>
    /// <inheritdoc cref="SetAsync" path="/exception" />
    public static DateTimeOffset Next(string name, string cron, JobRequest job, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (string.IsNullOrWhiteSpace(name) || name.Length > 100 || name.Any(char.IsControl))
        {
            throw new ArgumentException("A schedule's name has 1 to 100 characters, none of them a control character.", nameof(name));
        }

        var expression = CronExpression.Parse(cron);
        MessageRules.Check(JobEnvelope.Seal(job), PayloadLimitBytes);
        return expression.After(now)
            ?? throw new FormatException($"The cron expression '{cron}' does not come before the year 9990 is over.");
    }

    public async Task<bool> ExistsAsync(string name, CancellationToken cancellationToken)
    {
        await using var ask = database.CreateCommand("select 1 from public.job_schedules where name = $1");
        Add(ask, name);
        return await ask.ExecuteScalarAsync(cancellationToken) is not null;
    }

    /// <summary>False: there is no such schedule. Jobs that it enqueued stay.</summary>
    public async Task<bool> RemoveAsync(string name, CancellationToken cancellationToken)
    {
        await using var remove = database.CreateCommand("delete from public.job_schedules where name = $1");
        Add(remove, name);
        return await remove.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    /// <summary>
    /// Enqueues what is due, each run once however many do this at once: the run's time is its idempotency key. Runs
    /// that were missed while nobody led become one. Each schedule stands for itself: one that cannot run is set aside
    /// with its reason, until somebody corrects it, and keeps no other from running.
    /// </summary>
    internal async Task<ScheduleRound> EnqueueDueAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var due = new List<DueSchedule>();
        await using (var ask = new NpgsqlCommand(Due, connection, transaction))
        await using (var reader = await ask.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                due.Add(new DueSchedule(
                    reader.GetString(0), reader.GetString(1), reader.IsDBNull(8) ? null : reader.GetFieldValue<DateTimeOffset>(8), reader.GetFieldValue<DateTimeOffset>(9),
                    new JobRequest(reader.GetString(2), reader.GetString(4))
                    {
                        Queue = reader.GetString(3),
                        Priority = reader.GetInt16(5),
                        MaxAttempts = reader.GetInt16(6),
                        Tenant = reader.IsDBNull(7) ? null : reader.GetString(7),
                    }));
            }
        }

        var (enqueued, broken) = (0, new List<BrokenSchedule>());
        foreach (var schedule in due)
        {
            await transaction.SaveAsync("schedule", cancellationToken);
            try
            {
                enqueued += await RunAsync(schedule, transaction, cancellationToken);
                await transaction.ReleaseAsync("schedule", cancellationToken);
            }
            catch (IdempotencyConflictException)
            {
                // Somebody set the time back, after the schedule had changed, to a run that was enqueued: it is once.
                await transaction.RollbackAsync("schedule", cancellationToken);
                await AdvanceAsync(transaction, schedule.Name, schedule.At, CronExpression.Parse(schedule.Cron).After(schedule.Now), null, cancellationToken);
            }
            catch (Exception e) when (IsOfTheSchedule(e))
            {
                await transaction.RollbackAsync("schedule", cancellationToken);
                var reason = Sentence(e);
                await AdvanceAsync(transaction, schedule.Name, null, null, reason, cancellationToken);
                broken.Add(new BrokenSchedule(schedule.Name, reason));
            }
        }

        await transaction.CommitAsync(cancellationToken);
        return new ScheduleRound(due.Count, enqueued, broken);
    }

    /// <summary>Returns how many jobs were enqueued.</summary>
    private async Task<int> RunAsync(DueSchedule schedule, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var cron = CronExpression.Parse(schedule.Cron);
        if (schedule.At is { } at)
        {
            var job = schedule.Job with { IdempotencyKey = $"cron:{schedule.Name}:{at.UtcDateTime:yyyyMMdd'T'HHmm'Z'}" };
            await queue.EnqueueAsync(transaction, [job], cancellationToken);
        }
        else
        {
            // What would be refused when its time comes is told now.
            MessageRules.Check(JobEnvelope.Seal(schedule.Job), PayloadLimitBytes);
        }

        await AdvanceAsync(transaction, schedule.Name, schedule.At, cron.After(schedule.Now), null, cancellationToken);
        return schedule.At is null ? 0 : 1;
    }

    /// <summary>Whether only another schedule helps; otherwise the database is at fault, and all of them wait for it.</summary>
    private static bool IsOfTheSchedule(Exception error) => error switch
    {
        FormatException or ArgumentException => true,
        // Data exceptions, broken constraints, and what a trigger or function of Cogo raised.
        PostgresException { SqlState: var state } => state.StartsWith("22", StringComparison.Ordinal) || state.StartsWith("23", StringComparison.Ordinal) || state == PostgresErrorCodes.RaiseException,
        _ => false,
    };

    private static string Sentence(Exception error) => error switch
    {
        PostgresException refused => $"{refused.MessageText} ({refused.SqlState}).",
        ArgumentException { ParamName: { } name } => error.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal),
        _ => error.Message,
    };

    private static async Task AdvanceAsync(
        NpgsqlTransaction transaction, string name, DateTimeOffset? run, DateTimeOffset? next, string? problem, CancellationToken cancellationToken)
    {
        await using var advance = new NpgsqlCommand(Advance, transaction.Connection, transaction);
        Add(advance, name);
        advance.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = (object?)run?.UtcDateTime ?? DBNull.Value });
        advance.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = (object?)next?.UtcDateTime ?? DBNull.Value });
        advance.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)problem ?? DBNull.Value });
        await advance.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        await using var ask = database.CreateCommand("select clock_timestamp()");
        return new DateTimeOffset((DateTime)(await ask.ExecuteScalarAsync(cancellationToken))!);
    }

    private static void Add<T>(NpgsqlCommand command, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
}

/// <summary>A schedule whose time has come. <paramref name="At"/> null: nobody has reckoned its time yet.</summary>
internal sealed record DueSchedule(string Name, string Cron, DateTimeOffset? At, DateTimeOffset Now, JobRequest Job);

/// <summary>What became of the schedules that were due.</summary>
/// <param name="Due">How many there were; none: another is at it just now.</param>
internal sealed record ScheduleRound(int Due, int Enqueued, IReadOnlyList<BrokenSchedule> SetAside);

/// <summary>A schedule that cannot run.</summary>
internal sealed record BrokenSchedule(string Name, string Reason);
