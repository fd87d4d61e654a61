using System.Diagnostics;
using Cogo.Core.Bus;
using Cogo.Core.Jobs;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>
/// Jobs of every kind: with priorities, delays, tenants, keys, caps, a type that one worker knows, some that wait to be
/// cancelled, a schedule. A trigger writes the ledger, in the transaction that finishes the job.
/// </summary>
internal sealed class JobWorkload : IChaosWorkload
{
    public const string Work = "chaos.work";

    /// <summary>Known to workers with <see cref="ChaosWorker.Rare"/> alone.</summary>
    public const string Rare = "chaos.rare";

    /// <summary>Kills its process.</summary>
    public const string Kill = "chaos.kill";

    /// <summary>Runs until it is cancelled.</summary>
    public const string Wait = "chaos.wait";

    public string Name => "jobs";

    public string LateInsert => $"insert into jobs (type, max_attempts) values ('{Work}', 50), ('{Wait}', 50)";

    public IReadOnlyList<(string Rule, string Query)> Rules =>
    [
        ("a key has one job, and it ran once",
            "select min(m.id) from agent_messages m left join ledger l on l.message_id = m.id where m.service = 'jobs' and m.idempotency_key is not null group by m.lane, m.idempotency_key having count(*) > 1"),
        ("a job is there when and only when the transaction that enqueued it is",
            "select coalesce(o.job_id, m.id) from orders o full join (select * from agent_messages where service = 'jobs' and payload #>> '{payload,order}' is not null) m on m.id = o.job_id where o.job_id is null or m.id is null"),
        ("what was to be cancelled was cancelled",
            $"select m.id from agent_messages m where m.payload ->> 'type' = '{Wait}' and not exists (select 1 from dead_letters d where d.message_id = m.id and d.code = 'cancelled')"),
        ("nothing stands aside", "select job_id from job_waits"),
        ("nothing holds a permit", "select job_id from job_permits where cogo_claim_holds(claim_id, job_id)"),
        ("no attempt that finished was one too many", "select r.job_id from job_results r join agent_messages m on m.id = r.job_id where r.attempt > m.max_attempts"),
        ("whoever looks at the jobs sees how they ended",
            "select j.id from jobs j where j.status <> coalesce((select case d.code when 'cancelled' then 'cancelled' else 'failed' end from dead_letters d where d.message_id = j.id), 'succeeded')"),
    ];

    public async Task<IAsyncDisposable> WorkAsync(NpgsqlDataSource database, MessageBus bus, BusOptions options, TimeProvider time)
    {
        List<IJobHandler> handlers = [new Worked(Work), new Poisoned(database), new Waiting(database), new Killing()];
        if (Environment.GetEnvironmentVariable(ChaosWorker.Rare) is { Length: > 0 })
        {
            handlers.Add(new Worked(Rare));
        }

        var worker = new JobWorker(
            database, bus, options, new JobOptions { LeaderLease = ChaosWorker.Lease }, new JobCatalog(handlers), null, NullLoggerFactory.Instance, time);
        try
        {
            await worker.StartAsync(default);
            return worker;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    public IChaosClient CreateClient(NpgsqlDataSource database, MessageBus bus) => new JobClient(database, bus);

    private sealed class Worked(string type) : IJobHandler
    {
        public string Type => type;

        public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken) =>
            await ChaosSteps.TakeAsync(job.Id, ((JobRun)job).Fence, job.Attempt, cancellationToken) switch
            {
                ChaosStep.Retry when job.Attempt % 2 == 0 => new JobOutcome.Snooze(TimeSpan.FromMilliseconds(50)),
                ChaosStep.Retry => new JobOutcome.Retry("Not yet.", TimeSpan.FromMilliseconds(50)),
                ChaosStep.GiveUp => new JobOutcome.Failed("no_good", "No good."),
                ChaosStep.Finish => new JobOutcome.Succeeded(),
                _ => new JobOutcome.Succeeded(new { job.Attempt }),
            };
    }

    private sealed class Killing : IJobHandler
    {
        public string Type => Kill;

        public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
        {
            using var own = Process.GetCurrentProcess();
            own.Kill();
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
            return new JobOutcome.Succeeded();
        }
    }

    private sealed class Poisoned(NpgsqlDataSource database) : IJobHandler
    {
        public string Type => ChaosSteps.Poison;

        public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
        {
            await ChaosSteps.FailAsync(database, job.Id, ((JobRun)job).Fence, job.Attempt, cancellationToken);
            return new JobOutcome.Succeeded();
        }
    }

    private sealed class Waiting(NpgsqlDataSource database) : IJobHandler
    {
        public string Type => Wait;

        public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
        {
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return new JobOutcome.Succeeded();
            }
            finally
            {
                await using var insert = database.CreateCommand("insert into reached (job_id, fence) values ($1, $2)");
                insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = job.Id });
                insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ((JobRun)job).Fence });
                await insert.ExecuteNonQueryAsync(CancellationToken.None);
            }
        }
    }
}
