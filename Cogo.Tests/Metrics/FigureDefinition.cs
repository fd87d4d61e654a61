namespace Cogo.Tests.Metrics;

/// <summary>
/// What the figures mean, said over the audit log alone and without regard to speed. Parameters as those of the queries that
/// answer: $1 since, $2 until, then route and tenant.
/// </summary>
internal static class FigureDefinition
{
    private const string Outcomes =
        """
        with seen as (
          select e.id, e.trace_id, e.type, e.tenant, e.route, e.created_at, e.data,
            e.created_at - make_interval(secs => (coalesce(e.queued_ms, 0) + coalesce(e.ran_ms, 0)) / 1000.0) as began,
            e.type <> 'execute_done' and (e.type <> 'codegen_done' or not e.data ? 'next') as ends
          from bus_events e
          where e.type in ('execute_done', 'execute_failed', 'codegen_done', 'codegen_failed', 'buildtest_done', 'buildtest_failed')
            and e.created_at >= $1 - interval '1 day' and e.created_at < $2
        ), tasks as (
          select s.trace_id,
            max(s.tenant) as tenant,
            (array_agg(s.route order by s.id desc) filter (where s.ends))[1] as route,
            (array_agg(s.data ->> 'engine' order by s.id desc) filter (where s.type = 'codegen_done'))[1] as engine,
            min(s.began) as started_at,
            max(s.created_at) filter (where s.ends) as ended_at,
            (array_agg(s.type order by s.id desc) filter (where s.ends))[1] as ended_by,
            (array_agg(coalesce(s.data ->> 'verdict', case when s.type = 'codegen_done' then 'passed' else 'infrastructure' end)
              order by s.id desc) filter (where s.ends))[1] as verdict,
            coalesce(bool_or(s.data ->> 'verdict' = 'failed') filter (where s.ends), false) as red,
            bool_or(s.type = 'execute_done') as dispatched,
            bool_or(s.type = 'codegen_done') as changed
          from seen s
          group by s.trace_id
        ), outcomes as (
          select * from tasks t where t.ended_at >= $1 or (t.ended_at is null and t.started_at >= $1)
        )
        """;

    public const string Tasks = Outcomes +
        """

        select
            count(*) filter (where t.ended_at is not null),
            count(*) filter (where t.ended_at is not null and t.verdict = 'passed'),
            count(*) filter (where t.ended_at is not null and t.verdict = 'failed'),
            count(*) filter (where t.ended_at is not null and t.verdict = 'invalid'),
            count(*) filter (where t.ended_at is not null and t.verdict not in ('passed', 'failed', 'invalid')),
            count(*) filter (where t.ended_at is null),
            (select count(*) from bus_events e
             where e.type in ('execute_retry', 'codegen_retry', 'buildtest_retry') and e.created_at >= $1 and e.created_at < $2
               and ($3::text is null or e.route = $3)),
            count(*) filter (where t.verdict = 'passed' and t.red)
        from outcomes t
        where ($3::text is null or t.route = $3) and ($4::text is null or t.tenant = $4)
        """;

    public const string Latency = Outcomes +
        """
        , spans as (
            select s.stage, e.route, e.tenant, s.ms
            from bus_events e
            cross join lateral (values
                ('queue_wait', e.queued_ms::double precision),
                ('codegen', case when e.type = 'codegen_done' then e.ran_ms::double precision end),
                ('build', case when e.type = 'buildtest_done' then cogo_number(e.data #> '{stages,build}') end),
                ('test', case when e.type = 'buildtest_done' then cogo_number(e.data #> '{stages,test}') end)
            ) as s (stage, ms)
            where e.type in ('execute_done', 'codegen_done', 'buildtest_done')
              and e.created_at >= $1 and e.created_at < $2 and s.ms is not null
            union all
            select 'end_to_end', t.route, t.tenant, extract(epoch from t.ended_at - t.started_at) * 1000
            from outcomes t
            where t.verdict in ('passed', 'failed')
        )
        select stage, route, tenant, grouping(route) = 1 as whole, count(*),
            percentile_disc(0.5) within group (order by ms) as p50,
            percentile_disc(0.9) within group (order by ms) as p90,
            percentile_disc(0.99) within group (order by ms) as p99,
            max(ms)
        from spans
        where ($3::text is null or route = $3) and ($4::text is null or tenant = $4)
        group by grouping sets ((stage), (stage, route, tenant))
        order by array_position(array['queue_wait', 'codegen', 'build', 'test', 'end_to_end'], stage), whole desc, count(*) desc, route, tenant
        limit 500
        """;

    /// <summary>$3 is the tenant.</summary>
    public const string Decisions = Outcomes +
        """
        , ended as (
            select * from outcomes t where t.ended_at is not null and ($3::text is null or t.tenant = $3)
        ), verdicts as (
            select e.data ->> 'verdict' as verdict,
                lead(e.data ->> 'verdict') over (partition by e.data ->> 'patch_sha256', e.data ->> 'base_commit' order by e.id) as later
            from bus_events e
            where e.type = 'buildtest_done' and e.created_at >= $1 and e.created_at < $2
              and e.data ->> 'verdict' in ('passed', 'failed') and e.data ? 'patch_sha256' and ($3::text is null or e.tenant = $3)
        )
        select 'dispatch' as kind, null::text as engine, count(*), count(*) filter (where verdict <> 'invalid')
        from ended where dispatched and ended_by in ('codegen_done', 'codegen_failed', 'buildtest_done', 'buildtest_failed')
        union all
        select 'codegen', coalesce(engine, 'unknown'), count(*), count(*) filter (where verdict = 'passed')
        from ended where changed and ended_by = 'buildtest_done' and verdict in ('passed', 'failed') group by 2
        union all
        select 'verdict', null, count(*), count(*) filter (where later = verdict)
        from verdicts where later is not null
        order by 1, 2
        """;

    public const string Gates =
        """
        with words as (
            select e.trace_id, e.id, e.type = 'gate_passed' as passed, coalesce(e.data ->> 'gate', 'unnamed') as gate
            from bus_events e
            where e.type in ('gate_passed', 'gate_failed') and e.created_at >= $1 and e.created_at < $2
            union all
            select e.trace_id, e.id, e.data ->> 'verdict' = 'passed', 'build-test'
            from bus_events e
            where e.type = 'buildtest_done' and e.data ->> 'verdict' in ('passed', 'failed') and e.created_at >= $1 and e.created_at < $2
        ), last_of_gate as (
            select distinct on (trace_id, gate) gate, passed from words order by trace_id, gate, id desc
        ), last_of_all as (
            select distinct on (trace_id) null::text as gate, passed from words order by trace_id, id desc
        )
        select gate, count(*) filter (where passed), count(*) filter (where not passed)
        from (select * from last_of_gate union all select * from last_of_all) one
        group by gate
        order by gate nulls first
        limit 200
        """;
}
