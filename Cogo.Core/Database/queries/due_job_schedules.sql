-- The schedules whose time has come. Locks them; those that another is about to run are left out.
select name, cron, type, queue, payload::text, priority, max_attempts, tenant, next_run_at, clock_timestamp()
from public.job_schedules
where next_run_at <= clock_timestamp()
order by next_run_at, name
limit 100
for update skip locked
