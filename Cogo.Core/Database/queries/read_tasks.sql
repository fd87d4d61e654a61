-- Tasks that ended, by verdict, those that run, and those that were red once and passed in the end; retries meanwhile.
-- Takes no lock; indexes task_outcomes_ended, task_outcomes_running and bus_events_type.
-- $1 since, $2 until, $3 route of the ending or null, $4 tenant or null
select
    count(*),
    count(*) filter (where t.verdict = 'passed'),
    count(*) filter (where t.verdict = 'failed'),
    count(*) filter (where t.verdict = 'invalid'),
    count(*) filter (where t.verdict not in ('passed', 'failed', 'invalid')),
    (select count(*) from public.task_outcomes r
     where r.ended_at is null and r.started_at >= $1 and r.started_at < $2 and $3::text is null and ($4::text is null or r.tenant = $4)),
    (select count(*) from public.bus_events e
     where e.type in ('execute_retry', 'codegen_retry', 'buildtest_retry') and e.created_at >= $1 and e.created_at < $2
       and ($3::text is null or e.route = $3)),
    count(*) filter (where t.verdict = 'passed' and t.red)
from public.task_outcomes t
where t.ended_at >= $1 and t.ended_at < $2 and ($3::text is null or t.route = $3) and ($4::text is null or t.tenant = $4)
