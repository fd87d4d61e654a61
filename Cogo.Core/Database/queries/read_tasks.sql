-- Tasks that ended, by verdict, and those that run; retries and dead letters meanwhile. Takes no lock; indexes
-- bus_events_type and dead_letters_route.
-- $1 since, $2 until, $3 route of the ending or null, $4 tenant or null
select
    count(*) filter (where t.ended_at is not null),
    count(*) filter (where t.ended_at is not null and t.verdict = 'passed'),
    count(*) filter (where t.ended_at is not null and t.verdict = 'failed'),
    count(*) filter (where t.ended_at is not null and t.verdict = 'invalid'),
    count(*) filter (where t.ended_at is not null and t.verdict not in ('passed', 'failed', 'invalid')),
    count(*) filter (where t.ended_at is null),
    (select count(*) from public.bus_events e
     where e.type in ('execute_retry', 'codegen_retry', 'buildtest_retry') and e.created_at >= $1 and e.created_at < $2
       and ($3::text is null or e.route = $3))
from public.cogo_task_outcomes($1, $2) t
where ($3::text is null or t.route = $3) and ($4::text is null or t.tenant = $4)
