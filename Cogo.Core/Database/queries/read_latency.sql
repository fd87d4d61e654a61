-- Latency by stage in milliseconds: all together (route and tenant null, whole true), and by route and tenant. Takes no
-- lock; reads bus_events by index bus_events_type.
-- $1 since, $2 until, $3 route or null, $4 tenant or null
with spans as (
    select s.stage, e.route, e.tenant, s.ms
    from public.bus_events e
    cross join lateral (values
        ('queue_wait', e.queued_ms::double precision),
        ('codegen', case when e.type = 'codegen_done' then e.ran_ms::double precision end),
        ('build', case when e.type = 'buildtest_done' then public.cogo_number(e.data #> '{stages,build}') end),
        ('test', case when e.type = 'buildtest_done' then public.cogo_number(e.data #> '{stages,test}') end)
    ) as s (stage, ms)
    where e.type in ('execute_done', 'codegen_done', 'buildtest_done')
      and e.created_at >= $1 and e.created_at < $2 and s.ms is not null and e.tenant is distinct from 'expected-red'
    union all
    select 'end_to_end', t.route, t.tenant, extract(epoch from t.ended_at - t.started_at) * 1000
    from public.cogo_task_outcomes($1, $2) t
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
