-- Recurring jobs by name. Takes no lock.
-- $1 limit
select name, cron, type, case when problem is null and next_run_at > '2000-01-01 00:00+00' and next_run_at < 'infinity' then next_run_at end as next_run_at,
  problem, last_run_at, queue, priority, max_attempts, tenant, payload, created_at
from public.job_schedules
order by name
limit $1
