-- Tasks by verdict, the p90 of their time and the last word of all gates, by day. A day is 24 h from $1 on; what comes after
-- the last one counts to it. Takes no lock; indexes task_outcomes_ended and
-- gate_words_at.
-- $1 since, $2 until, $3 days
with tasks as (
    select least(floor(extract(epoch from t.ended_at - $1) / 86400), $3 - 1)::int as day,
        count(*) filter (where t.verdict = 'passed') as passed,
        count(*) filter (where t.verdict = 'failed') as failed,
        count(*) filter (where t.verdict not in ('passed', 'failed')) as other,
        percentile_disc(0.9) within group (order by date_part('epoch', t.ended_at - t.started_at) * 1000)
            filter (where t.verdict in ('passed', 'failed')) as p90
    from public.cogo_task_outcomes($1, $2) t
    where t.ended_at is not null
    group by 1
), gates as (
    select least(floor(extract(epoch from w.at - $1) / 86400), $3 - 1)::int as day,
        count(*) filter (where w.passed) as passed, count(*) filter (where not w.passed) as failed
    from public.gate_words w
    where w.at >= $1 and w.at < $2 and w.gate = ''
    group by 1
)
select coalesce(t.passed, 0), coalesce(t.failed, 0), coalesce(t.other, 0), t.p90, coalesce(g.passed, 0), coalesce(g.failed, 0)
from generate_series(0, $3 - 1) d (day)
left join tasks t using (day)
left join gates g using (day)
order by d.day
