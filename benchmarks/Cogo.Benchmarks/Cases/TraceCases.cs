using System.Diagnostics;
using System.Runtime.CompilerServices;
using Cogo.Benchmarks.Reporting;
using Cogo.Core.Audit;
using Cogo.Core.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Cogo.Benchmarks.Cases;

/// <summary>
/// One trace out of millions of events: read whole, as <c>/api/metrics/trace/{traceId}</c> does. Beside it, what the
/// figures of a day take on the same tables.
/// </summary>
internal sealed class TraceCases(BenchmarkServer server, BenchmarkOptions options)
{
    private const string Database = "cogo_trace";
    private const int EventsATask = 20;
    // Three of the events end an attempt, and tell its span.
    private const int EntriesATask = EventsATask + 3 + 3 + 2;
    private const int Days = 10;
    private const int Chunk = 20_000;
    private const int Samples = 2_000;

    // Twenty events, three messages and two artifacts a task, spread over ten days that have a partition each.
    private const string Fill =
        """
        with task as (
          select i, lpad(to_hex(i), 32, '0') as trace, clock_timestamp() - ($3 - i * $3 / $4) * interval '1 day' as began
          from generate_series($1::bigint, $2::bigint - 1) i
        ), messages as (
          insert into public.agent_messages (service, role, shard, payload, trace_id, created_at)
          select r.service, r.role, '0', jsonb_build_object('task_id', 'task-' || t.i, 'repo', '/srv/repositories/shop', 'engine', 'patch', 'base', 'main'), t.trace,
            t.began + r.after
          from task t cross join (values ('orchestrator', 'execute', interval '0'), ('codegen', 'generate', interval '10 ms'), ('code', 'build-test', interval '1 s')) r (service, role, after)
        ), files as (
          insert into public.artifacts (path, task_id, trace_id, bytes, sha256, content_type, storage, created_at)
          select 'task-' || t.i || f.name, 'task-' || t.i, t.trace, 1000, repeat('a', 64), 'text/plain', 'local', t.began + interval '2 s'
          from task t cross join (values ('/codegen/change.diff'), ('/build-test/report.json')) f (name)
        )
        insert into public.bus_events (trace_id, type, message_id, route, attempt, worker, data, queued_ms, ran_ms, created_at)
        select t.trace,
          case n when 0 then 'execute_enqueued' when 1 then 'execute_done' when 8 then 'codegen_done' when 19 then 'buildtest_done' else 'buildtest_progress' end,
          t.i, 'code/build-test/0', 1, 'worker-1',
          case n when 8 then '{"engine": "patch", "next": "code/build-test/0"}'
            when 19 then '{"verdict": "passed", "stages": {"build": 400, "test": 600}, "task_id": "t"}' else '{"stage": "test", "state": "started"}' end::jsonb,
          case when n in (1, 8, 19) then 10 end, case when n in (1, 8, 19) then 900 end, t.began + n * interval '100 ms'
        from task t cross join generate_series(0, 19) n
        """;

    public async IAsyncEnumerable<CaseResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!options.WantsCase("trace_p50", "trace_p99", "trace_most", "figures_of_a_day"))
        {
            yield break;
        }

        await server.CreateCogoDatabaseAsync(Database, NullLogger.Instance, cancellationToken);
        await using var source = NpgsqlDataSource.Create(server.ConnectionString(Database));
        var tasks = options.Events / EventsATask;
        await FillAsync(source, tasks, cancellationToken);

        await using var traces = new TraceReader(source);
        var (p50, p99, worst) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round <= options.Rounds; round++)
        {
            var took = await ReadAsync(traces, tasks, round, cancellationToken);
            if (round == 0)
            {
                continue;
            }

            p50.Add(took[took.Length / 2]);
            p99.Add(took[(int)(took.Length * 0.99)]);
            worst.Add(took[^1]);
            await Console.Error.WriteLineAsync(FormattableString.Invariant($"  trace {round}/{options.Rounds}: p50 {p50[^1]:0.00} ms, p99 {p99[^1]:0.00} ms, most {worst[^1]:0.00} ms"));
        }

        var note = FormattableString.Invariant($"{options.Events:#,0} events, {tasks:#,0} traces, {Days} days; each read another trace of {EntriesATask} entries, {Samples} a round.");
        yield return Result("trace_p50", p50);
        yield return Result("trace_p99", p99) with { Note = note };
        yield return Result("trace_most", worst);
        yield return Result("figures_of_a_day", await FiguresAsync(source, cancellationToken)) with { Note = FormattableString.Invariant($"All of /api/metrics/summary, {tasks / Days:#,0} tasks.") };
        await server.DropDatabaseAsync(Database, cancellationToken);
    }

    private static CaseResult Result(string name, IEnumerable<double> milliseconds) =>
        new(name, "ms", new Series(milliseconds), new Dictionary<string, Series>(StringComparer.Ordinal), null);

    private async Task FillAsync(NpgsqlDataSource source, long tasks, CancellationToken cancellationToken)
    {
        await using (var partitions = source.CreateCommand(
            """
            do $$ begin
              for back in 1..11 loop
                execute format('create table if not exists public.agent_messages_%1$s partition of public.agent_messages for values from (%2$L) to (%3$L)',
                  to_char((now() at time zone 'utc')::date - back, 'YYYYMMDD'), ((now() at time zone 'utc')::date - back)::timestamp at time zone 'utc',
                  ((now() at time zone 'utc')::date - back + 1)::timestamp at time zone 'utc');
                execute format('create table if not exists public.bus_events_%1$s partition of public.bus_events for values from (%2$L) to (%3$L)',
                  to_char((now() at time zone 'utc')::date - back, 'YYYYMMDD'), ((now() at time zone 'utc')::date - back)::timestamp at time zone 'utc',
                  ((now() at time zone 'utc')::date - back + 1)::timestamp at time zone 'utc');
              end loop;
            end $$
            """))
        {
            await partitions.ExecuteNonQueryAsync(cancellationToken);
        }

        // Without triggers: what they note of each event is made from all of them at the end.
        await using var quick = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server.ConnectionString(Database)) { Options = "-c session_replication_role=replica" });
        var clock = Stopwatch.StartNew();
        for (long from = 0; from < tasks; from += Chunk)
        {
            await using var fill = quick.CreateCommand(Fill);
            fill.CommandTimeout = 600;
            fill.Parameters.Add(new NpgsqlParameter<long> { TypedValue = from });
            fill.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Math.Min(from + Chunk, tasks) });
            fill.Parameters.Add(new NpgsqlParameter<double> { TypedValue = Days });
            fill.Parameters.Add(new NpgsqlParameter<double> { TypedValue = tasks });
            await fill.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var figures = source.CreateCommand("select public.cogo_rebuild_figures()");
        figures.CommandTimeout = 600;
        await figures.ExecuteNonQueryAsync(cancellationToken);
        await using var vacuum = source.CreateCommand("vacuum analyze public.bus_events, public.agent_messages, public.artifacts, public.task_outcomes, public.attempt_results, public.gate_words");
        vacuum.CommandTimeout = 1800;
        await vacuum.ExecuteNonQueryAsync(cancellationToken);
        await using var checkpoint = source.CreateCommand("checkpoint");
        checkpoint.CommandTimeout = 600;
        await checkpoint.ExecuteNonQueryAsync(cancellationToken);
        await Console.Error.WriteLineAsync(FormattableString.Invariant($"  trace: {tasks * EventsATask:#,0} events written in {clock.Elapsed.TotalSeconds:0} s"));
    }

    /// <summary>Sorted, in milliseconds. Every read is another trace, far from the one before.</summary>
    private static async Task<double[]> ReadAsync(TraceReader traces, long tasks, int round, CancellationToken cancellationToken)
    {
        var random = new Random(round);
        var took = new double[Samples];
        for (var i = 0; i < Samples; i++)
        {
            var trace = random.NextInt64(tasks).ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
            var started = Stopwatch.GetTimestamp();
            var timeline = await traces.ReadAsync(trace, null, cancellationToken);
            took[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            if (timeline is not { Timeline.Count: EntriesATask, Verdict: not null })
            {
                throw new InvalidOperationException($"Trace {trace} is not whole: {timeline?.Timeline.Count} entries, verdict {timeline?.Verdict}.");
            }
        }

        Array.Sort(took);
        return took;
    }

    private async Task<IReadOnlyList<double>> FiguresAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var metrics = new MetricsReader(source, TimeProvider.System);
        var took = new List<double>();
        for (var round = 0; round < options.Rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            await metrics.SummaryAsync(new MetricsScope(MetricsWindow.Day), cancellationToken);
            took.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return took;
    }
}
