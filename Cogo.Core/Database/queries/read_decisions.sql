-- Decisions and whether they held: what each kind means is in docs/metrics.md. Takes no lock; index bus_events_type.
-- $1 since, $2 until, $3 tenant or null
with ended as (
    select * from public.cogo_task_outcomes($1, $2) t
    where t.ended_at is not null and ($3::text is null or t.tenant = $3)
), verdicts as (
    select e.data ->> 'verdict' as verdict,
        lead(e.data ->> 'verdict') over (partition by e.data ->> 'patch_sha256', e.data ->> 'base_commit' order by e.id) as later
    from public.bus_events e
    where e.type = 'buildtest_done' and e.created_at >= $1 and e.created_at < $2
      and e.data ->> 'verdict' in ('passed', 'failed') and e.data ? 'patch_sha256' and e.tenant is distinct from 'expected-red' and ($3::text is null or e.tenant = $3)
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
