-- Decisions and whether they held: what each kind means is in docs/metrics.md. Takes no lock; index task_outcomes_ended and
-- the primary key of attempt_results.
-- $1 since, $2 until, $3 tenant or null
with ended as (
    select t.engine, t.dispatched, t.changed, t.ended_by, t.verdict, count(*) as tasks
    from public.task_outcomes t
    where t.ended_at >= $1 and t.ended_at < $2 and ($3::text is null or t.tenant = $3)
    group by t.engine, t.dispatched, t.changed, t.ended_by, t.verdict
), verdicts as (
    select a.passed, lead(a.passed) over (partition by a.change order by a.event_id) as later
    from public.attempt_results a
    where a.at >= $1 and a.at < $2 and a.change is not null and ($3::text is null or a.tenant = $3)
)
select 'dispatch' as kind, null::text as engine, coalesce(sum(tasks), 0)::bigint, coalesce(sum(tasks) filter (where verdict <> 'invalid'), 0)::bigint
from ended where dispatched and ended_by in ('codegen_done', 'codegen_failed', 'buildtest_done', 'buildtest_failed')
union all
select 'codegen', coalesce(engine, 'unknown'), sum(tasks)::bigint, coalesce(sum(tasks) filter (where verdict = 'passed'), 0)::bigint
from ended where changed and ended_by = 'buildtest_done' and verdict in ('passed', 'failed') group by 2
union all
select 'verdict', null, count(*), count(*) filter (where later = passed)
from verdicts where later is not null
order by 1, 2
