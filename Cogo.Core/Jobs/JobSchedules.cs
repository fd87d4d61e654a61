using Cogo.Core.Database;
using Npgsql;
using NpgsqlTypes;

namespace Cogo.Core.Jobs;

/// <summary>The jobs that recur: <c>public.job_schedules</c>.</summary>
public sealed class JobSchedules(NpgsqlDataSource database, JobQueue queue)
{
    private static readonly string Put = SqlQuery.Load("put_job_schedule");
    private static readonly string Due = SqlQuery.Load("due_job_schedules");

    /// <summary>
    /// Creates or replaces a schedule. Of the job, type, payload, queue, priority, attempts and tenant are taken. A
    /// schedule whose cron did not change keeps the time of its next run.
    /// </summary>
    /// <exception cref="FormatException">The cron expression is none, or never comes.</exception>
    /// <exception cref="ArgumentException">A field of the job cannot be right.</exception>
    /// <returns>When it runs next.</returns>
    public async Task<DateTimeOffset> SetAsync(string name, string cron, JobRequest job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (string.IsNullOrWhiteSpace(name) || name.Length > 100)
        {
            throw new ArgumentException("A schedule's name has 1 to 100 characters.", nameof(name));
        }

        var next = CronExpression.Parse(cron).After(await NowAsync(cancellationToken))!.Value;
        _ = JobEnvelope.Seal(job);
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
        return new DateTimeOffset((DateTime)(await put.ExecuteScalarAsync(cancellationToken))!);
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
    /// that were missed while nobody led become one. Returns how many were enqueued.
    /// </summary>
    internal async Task<int> EnqueueDueAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var due = new List<(string Name, CronExpression Cron, DateTimeOffset At, DateTimeOffset Now, JobRequest Job)>();
        await using (var ask = new NpgsqlCommand(Due, connection, transaction))
        await using (var reader = await ask.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                due.Add((reader.GetString(0), CronExpression.Parse(reader.GetString(1)), reader.GetFieldValue<DateTimeOffset>(8),
                    reader.GetFieldValue<DateTimeOffset>(9), new JobRequest(reader.GetString(2), reader.GetString(4))
                    {
                        Queue = reader.GetString(3),
                        Priority = reader.GetInt16(5),
                        MaxAttempts = reader.GetInt16(6),
                        Tenant = reader.IsDBNull(7) ? null : reader.GetString(7),
                    }));
            }
        }

        foreach (var (name, cron, at, now, job) in due)
        {
            await queue.EnqueueAsync(transaction, [job with { IdempotencyKey = $"cron:{name}:{at.UtcDateTime:yyyyMMdd'T'HHmm'Z'}" }], cancellationToken);
            await using var advance = new NpgsqlCommand(
                "update public.job_schedules set last_run_at = $2, next_run_at = coalesce($3, 'infinity') where name = $1", connection, transaction);
            Add(advance, name);
            Add(advance, at);
            advance.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = (object?)cron.After(now)?.UtcDateTime ?? DBNull.Value });
            await advance.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return due.Count;
    }

    private async Task<DateTimeOffset> NowAsync(CancellationToken cancellationToken)
    {
        await using var ask = database.CreateCommand("select clock_timestamp()");
        return new DateTimeOffset((DateTime)(await ask.ExecuteScalarAsync(cancellationToken))!);
    }

    private static void Add<T>(NpgsqlCommand command, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
}
