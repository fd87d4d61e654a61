-- Latency by stage in milliseconds, of all routes and tenants together. Sorts each stage once; takes no lock; reads
-- attempt_results by its primary key and task_outcomes by index task_outcomes_ended.
-- $1 since, $2 until, $3 route or null, $4 tenant or null
select s.stage, null::text as route, null::text as tenant, true as whole, s.measured, s.at[1], s.at[2], s.at[3], s.at[4]
from (
    select count(a.queued_ms) as waits, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.queued_ms) as wait,
        count(a.codegen_ms) as codegens, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.codegen_ms) as codegen,
        count(a.build_ms) as builds, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.build_ms) as build,
        count(a.test_ms) as tests, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by a.test_ms) as test
    from public.attempt_results a
    where a.at >= $1 and a.at < $2 and ($3::text is null or a.route = $3) and ($4::text is null or a.tenant = $4)
) a
cross join (
    select count(*) as tasks, percentile_disc(array[0.5, 0.9, 0.99, 1]) within group (order by date_part('epoch', t.ended_at - t.started_at) * 1000) as task
    from public.task_outcomes t
    where t.ended_at >= $1 and t.ended_at < $2 and t.verdict in ('passed', 'failed') and ($3::text is null or t.route = $3) and ($4::text is null or t.tenant = $4)
) t
cross join lateral (values
    (1, 'queue_wait', a.waits, a.wait::double precision[]),
    (2, 'codegen', a.codegens, a.codegen::double precision[]),
    (3, 'build', a.builds, a.build),
    (4, 'test', a.tests, a.test),
    (5, 'end_to_end', t.tasks, t.task)
) as s (place, stage, measured, at)
where s.measured > 0
order by s.place
