-- Latency by stage in milliseconds: all together (route and tenant null, whole true), and by route and tenant. Takes no
-- lock; reads attempt_results by its primary key and task_outcomes by index task_outcomes_ended.
-- $1 since, $2 until, $3 route or null, $4 tenant or null
with attempts as (
    select a.route, a.tenant, grouping(a.route) = 1 as whole,
        count(a.queued_ms) as waits, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.queued_ms) as wait,
        count(a.codegen_ms) as codegens, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.codegen_ms) as codegen,
        count(a.build_ms) as builds, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.build_ms) as build,
        count(a.test_ms) as tests, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.test_ms) as test
    from public.attempt_results a
    where a.at >= $1 and a.at < $2 and ($3::text is null or a.route = $3) and ($4::text is null or a.tenant = $4)
    group by grouping sets ((), (a.route, a.tenant))
), tasks as (
    select t.route, t.tenant, grouping(t.route) = 1 as whole, count(*) as tasks,
        percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by date_part('epoch', t.ended_at - t.started_at) * 1000) as task
    from public.task_outcomes t
    where t.ended_at >= $1 and t.ended_at < $2 and t.verdict in ('passed', 'failed') and ($3::text is null or t.route = $3) and ($4::text is null or t.tenant = $4)
    group by grouping sets ((), (t.route, t.tenant))
)
select s.stage, s.route, s.tenant, s.whole, s.measured, s.at[1], s.at[2], s.at[3], s.at[4]
from (
    select v.place, v.stage, a.route, a.tenant, a.whole, v.measured, v.at
    from attempts a
    cross join lateral (values
        (1, 'queue_wait', a.waits, a.wait::double precision[]),
        (2, 'codegen', a.codegens, a.codegen::double precision[]),
        (3, 'build', a.builds, a.build),
        (4, 'test', a.tests, a.test)
    ) as v (place, stage, measured, at)
    union all
    select 5, 'end_to_end', t.route, t.tenant, t.whole, t.tasks, t.task from tasks t
) s
where s.measured > 0
order by s.place, s.whole desc, s.measured desc, s.route, s.tenant
limit 500
