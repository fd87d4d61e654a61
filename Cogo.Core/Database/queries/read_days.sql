-- Tasks by verdict, the p90 of their time and the last word of all gates, by day. A day is 24 h from $1 on; what comes after
-- the last one counts to it. Takes no lock; index bus_events_type.
-- $1 since, $2 until, $3 days
with tasks as (
    select least(floor(extract(epoch from t.ended_at - $1) / 86400), $3 - 1)::int as day,
        count(*) filter (where t.verdict = 'passed') as passed,
        count(*) filter (where t.verdict = 'failed') as failed,
        count(*) filter (where t.verdict not in ('passed', 'failed')) as other,
        percentile_disc(0.9) within group (order by extract(epoch from t.ended_at - t.started_at) * 1000)
            filter (where t.verdict in ('passed', 'failed')) as p90
    from public.cogo_task_outcomes($1, $2) t
    where t.ended_at is not null
    group by 1
), words as (
    select e.trace_id, e.id, e.created_at, case when e.type = 'buildtest_done' then e.data ->> 'verdict' = 'passed' else e.type = 'gate_passed' end as passed
    from public.bus_events e
    where e.created_at >= $1 and e.created_at < $2
      and (e.type in ('gate_passed', 'gate_failed')
        or (e.type = 'buildtest_done' and e.data ->> 'verdict' in ('passed', 'failed') and e.tenant is distinct from 'expected-red'))
), last_words as (
    select distinct on (trace_id) created_at, passed from words order by trace_id, id desc
), gates as (
    select least(floor(extract(epoch from w.created_at - $1) / 86400), $3 - 1)::int as day,
        count(*) filter (where w.passed) as passed, count(*) filter (where not w.passed) as failed
    from last_words w
    group by 1
)
select coalesce(t.passed, 0), coalesce(t.failed, 0), coalesce(t.other, 0), t.p90, coalesce(g.passed, 0), coalesce(g.failed, 0)
from generate_series(0, $3 - 1) d (day)
left join tasks t using (day)
left join gates g using (day)
order by d.day
