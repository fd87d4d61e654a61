using System.Diagnostics;
using Npgsql;

namespace Cogo.Tests.Chaos;

/// <summary>
/// Judges a run by the database alone: each rule is a query for the messages, or jobs, that break it. These rules hold
/// for all; a workload has some of its own.
/// </summary>
internal static class ChaosLedger
{
    private const string Work = "((m.service = 'chaos' and m.role = 'work') or m.service = 'jobs')";

    /// <summary>Seconds that a question may take: all is calm by then, and after a long run there is much to read.</summary>
    private const int Longest = 300;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private const string Kind = "coalesce(m.payload ->> 'type', m.payload #>> '{}')";

    // A message ends where its newest claim has its acknowledgement and nothing waits any more. In sets, not row by row:
    // a long run has hundreds of thousands, and the planner knows little of them.
    private const string Ended =
        """
        with newest as (
          select i as id, max(c.claim_id) as claim_id from bus_claims c cross join unnest(c.ids || c.deferred) i group by i
        ), ended as (
          select id from newest join (select a.claim_id, i as id from bus_acks a cross join unnest(a.ids) i) acked using (id, claim_id)
        )
        """;

    private static readonly (string Rule, string Query)[] Rules =
    [
        ("nothing waits or is held any more", "select message_id from bus_deferred"),
        ("every message was claimed, and its newest claim ended it", $"{Ended} select m.id from agent_messages m where {Work} and not exists (select 1 from ended e where e.id = m.id)"),
        ("a message is finished or given up, not both", "select l.message_id from ledger l join dead_letters d using (message_id)"),
        ("nothing is finished twice", "select message_id from ledger group by 1 having count(*) > 1"),
        ("nothing is given up twice", "select message_id from dead_letters group by 1 having count(*) > 1"),
        ("nothing is given up but by its handler",
            $"select m.message_id from dead_letters m where m.code <> 'no_good' and {Kind} <> '{ChaosSteps.Poison}' and not (m.code = 'cancelled' and {Kind} = '{JobWorkload.Wait}')"),
        ("what always fails is given up at its last attempt",
            $"select m.id from agent_messages m left join dead_letters d on d.message_id = m.id where {Kind} = '{ChaosSteps.Poison}' and (d.code, d.attempt) is distinct from ('retries_exhausted', m.max_attempts)"),
        ("no attempt is begun that is one too many", "select s.message_id from starts s join agent_messages m on m.id = s.message_id where s.attempt > m.max_attempts"),
        ("what was finished stands in the ledger",
            $"select m.id from agent_messages m where {Work} and m.id % 4 <> 0 and not exists (select 1 from ledger l where l.message_id = m.id) and not exists (select 1 from dead_letters d where d.message_id = m.id)"),
        ("no zombie finished anything: the fence in the ledger is that of the newest claim", $"{Ended} select l.message_id from ledger l join newest n on n.id = l.message_id where n.claim_id <> l.fence"),
        ("the fence in the ledger has its acknowledgement", "select l.message_id from ledger l where not exists (select 1 from bus_acks a where a.claim_id = l.fence and l.message_id = any (a.ids))"),
        ("no acknowledgement was written twice", "select i from bus_acks a cross join unnest(a.ids) i group by a.claim_id, i having count(*) > 1"),
    ];

    public static async Task CreateAsync(NpgsqlDataSource database)
    {
        await using var create = database.CreateCommand(
            """
            create table ledger (message_id bigint not null, fence bigint not null);
            create table starts (message_id bigint not null, fence bigint not null, attempt int not null);
            create table reached (job_id bigint not null, fence bigint not null);
            create table orders (job_id bigint not null);
            create function write_ledger() returns trigger language plpgsql as $$
            begin
              insert into ledger (message_id, fence) values (new.job_id, new.claim_id);
              return null;
            end $$;
            create trigger write_ledger after insert or update on job_results for each row execute function write_ledger();
            """);
        await create.ExecuteNonQueryAsync();
    }

    /// <summary>Waits until all is ended, as long as there is progress: backoff is cut short, nothing else.</summary>
    public static async Task DrainAsync(NpgsqlDataSource database)
    {
        var (least, stalled) = (long.MaxValue, Stopwatch.StartNew());
        while (true)
        {
            var (count, some) = await LeftAsync(database);
            if (count == 0)
            {
                return;
            }

            if (count < least)
            {
                (least, stalled) = (count, Stopwatch.StartNew());
            }
            else if (stalled.Elapsed > Patience)
            {
                throw new TimeoutException($"Of {count} messages and jobs that have not ended none has in {Patience}: {some}");
            }

            // The question is a hard one, and the workers need the machine.
            await Task.Delay(250);
        }
    }

    private static async Task<(long Count, string Some)> LeftAsync(NpgsqlDataSource database)
    {
        await using (var hasten = database.CreateCommand("update bus_deferred d set ready_at = clock_timestamp() where claim_id is null and ready_at > clock_timestamp() and not exists (select 1 from job_waits w where w.job_id = d.message_id)"))
        {
            await hasten.ExecuteNonQueryAsync();
        }

        await using var left = database.CreateCommand(
            $"""
            {Ended}, late as materialized (
              select m.id, {Kind} as kind from agent_messages m where {Work} and not exists (select 1 from ended e where e.id = m.id)
              union
              select m.message_id, {Kind} from bus_deferred m
            )
            select (select count(*) from late), coalesce(string_agg(id || ' ' || kind || coalesce(' ' || (select j.status from jobs j where j.id = few.id), ''), ', '), '')
            from (select * from late order by id limit 20) few
            """);
        left.CommandTimeout = Longest;
        await using var reader = await left.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetString(1));
    }

    /// <summary>How much of what the run is to prove anything about there was.</summary>
    public static async Task<ChaosCount> CountAsync(NpgsqlDataSource database)
    {
        await using var ask = database.CreateCommand(
            $"""
            {Ended} select (select count(*) from ledger), (select count(*) from bus_sessions where end_reason like '%lease ran out%'),
              (select count(*) from reached r join newest n on (n.id, n.claim_id) = (r.job_id, r.fence)),
              (select count(*) from job_results where starts_with(worker_id, '{SqlChaosWorker.WorkerPrefix}')),
              (select count(*) from bus_sessions where starts_with(worker_id, '{SqlChaosWorker.WorkerPrefix}') and end_reason like '%lease ran out%')
            """);
        ask.CommandTimeout = Longest;
        await using var reader = await ask.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new ChaosCount(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4));
    }

    /// <summary>The rules that were broken, with some of the messages.</summary>
    public static async Task<List<string>> BrokenAsync(NpgsqlDataSource database, IReadOnlyCollection<long> published)
    {
        var broken = new List<string>();
        foreach (var (rule, query) in Rules.Concat(ChaosWorkloads.All.SelectMany(workload => workload.Rules)))
        {
            await using var ask = database.CreateCommand($"select count(*), (array_agg(id))[1:5]::text from ({query}) broken (id)");
            ask.CommandTimeout = Longest;
            await using var reader = await ask.ExecuteReaderAsync();
            await reader.ReadAsync();
            if (reader.GetInt64(0) > 0)
            {
                broken.Add($"{rule}: {reader.GetInt64(0)} messages, {reader.GetString(1)}");
            }
        }

        await using var lost = database.CreateCommand("select count(*) from unnest($1) p (id) where not exists (select 1 from agent_messages m where m.id = p.id)");
        lost.CommandTimeout = Longest;
        lost.Parameters.Add(new NpgsqlParameter { Value = published.ToArray() });
        if (await lost.ExecuteScalarAsync() is long count and > 0)
        {
            broken.Add($"what was acknowledged to the publisher is there: {count} messages");
        }

        return broken;
    }
}

/// <param name="Ledger">Messages and jobs that the ledger has.</param>
/// <param name="LeasesLost">Sessions that ended because their lease ran out.</param>
/// <param name="Reached">Jobs that ended in the attempt whose handler heard that they were cancelled.</param>
/// <param name="BySql">Jobs that the worker in SQL finished.</param>
/// <param name="SqlLeasesLost">Of the sessions whose lease ran out, those of the worker in SQL.</param>
internal sealed record ChaosCount(long Ledger, long LeasesLost, long Reached, long BySql, long SqlLeasesLost);
