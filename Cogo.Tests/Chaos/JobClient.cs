using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>Enqueues jobs, some in transactions with rows of its own, some twice under one key, and cancels those that wait for it.</summary>
internal sealed class JobClient(NpgsqlDataSource database, MessageBus bus) : IChaosClient
{
    private const string Schedule = "every minute";
    private const int RoundsToWait = 15;

    private readonly JobQueue _queue = new(database, bus);
    private readonly ConcurrentQueue<string> _contradictions = new();
    private readonly Queue<(long Job, int Round)> _waiting = new();
    private readonly Dictionary<string, long> _keys = [];
    private readonly Queue<string> _unanswered = new();
    private bool _scheduled;

    public IReadOnlyCollection<string> Contradictions => _contradictions;

    public async Task<IReadOnlyList<long>> PublishAsync(int round)
    {
        if (!_scheduled)
        {
            await new JobSchedules(database, _queue).SetAsync(Schedule, "* * * * *", new JobRequest(JobWorkload.Work) { MaxAttempts = 50 }, default);
            _scheduled = true;
        }

        var ids = new List<long>(await EnqueueAsync(round));
        if (round % 5 == 0)
        {
            var wait = await _queue.EnqueueAsync(new JobRequest(JobWorkload.Wait) { MaxAttempts = 50 }, default);
            _waiting.Enqueue((wait.Id, round));
            ids.Add(wait.Id);
            _unanswered.Enqueue($"order {round}");
        }

        await EnqueueKeyedAsync(ids);
        while (_waiting.TryPeek(out var due) && due.Round <= round - RoundsToWait)
        {
            await CancelAsync(due.Job);
            _waiting.Dequeue();
        }

        return ids;
    }

    public async Task EndAsync()
    {
        await new JobSchedules(database, _queue).RemoveAsync(Schedule, default);
        await using var ask = database.CreateCommand("select m.id from agent_messages m where m.service = 'jobs' and m.payload ->> 'type' = $1");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JobWorkload.Wait });
        var jobs = new List<long>();
        await using (var reader = await ask.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                jobs.Add(reader.GetInt64(0));
            }
        }

        foreach (var job in jobs)
        {
            await CancelAsync(job);
        }
    }

    private async Task<IReadOnlyList<long>> EnqueueAsync(int round)
    {
        var inTransaction = round % 3 == 0;
        var jobs = Enumerable.Range(0, 10).Select(i => new JobRequest(i == 4 ? JobWorkload.Rare : JobWorkload.Work, inTransaction ? """{"order":true}""" : "{}")
        {
            MaxAttempts = 50,
            Priority = i == 0 ? 1 : 0,
            Delay = i == 1 ? TimeSpan.FromSeconds(1) : null,
            Tenant = i == 2 ? $"tenant-{round % 3}" : null,
            ConcurrencyKey = i == 3 ? "printer" : null,
            ConcurrencyLimit = 2,
        }).ToList();
        if (round % 5 == 0)
        {
            jobs.Add(jobs[^1] with { Type = ChaosSteps.Poison, MaxAttempts = ChaosSteps.PoisonAttempts });
        }

        if (!inTransaction)
        {
            return [.. (await _queue.EnqueueAsync(jobs, default)).Select(receipt => receipt.Id)];
        }

        await using var connection = await database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        long[] ids = [.. (await _queue.EnqueueAsync(transaction, jobs, default)).Select(receipt => receipt.Id)];
        await using var order = new NpgsqlCommand("insert into orders (job_id) select unnest($1)", connection, transaction);
        order.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = ids });
        await order.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
        return ids;
    }

    /// <summary>Under a key until the database says so, and then once more with plain SQL: it must be the same job.</summary>
    private async Task EnqueueKeyedAsync(List<long> ids)
    {
        while (_unanswered.TryPeek(out var key))
        {
            if (!_keys.TryGetValue(key, out var first))
            {
                first = (await _queue.EnqueueAsync(new JobRequest(JobWorkload.Work) { IdempotencyKey = key, MaxAttempts = 50 }, default)).Id;
                _keys[key] = first;
                ids.Add(first);
            }

            await using var insert = database.CreateCommand("insert into jobs (type, idempotency_key) values ($1, $2) returning id");
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JobWorkload.Work });
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
            var second = (long)(await insert.ExecuteScalarAsync())!;
            if (second != first)
            {
                _contradictions.Enqueue($"The key '{key}' was job {first}, and then job {second}.");
            }

            _unanswered.Dequeue();
        }
    }

    private async Task CancelAsync(long job)
    {
        if (await _queue.CancelAsync(job, "No longer wanted.", default) == CancelAnswer.Unknown)
        {
            _contradictions.Enqueue($"Job {job} was enqueued, and is unknown to whoever cancels it.");
        }
    }
}
