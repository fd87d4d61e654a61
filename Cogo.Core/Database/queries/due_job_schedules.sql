-- The schedules whose time has come, and those whose time nobody has reckoned yet (null). Locks them; those that another
-- is about to run are left out.
select name, cron, type, queue, payload::text, priority, max_attempts, tenant,
  case when next_run_at >= timestamptz '2000-01-01 00:00+00' then next_run_at end, clock_timestamp()
from public.job_schedules
where next_run_at <= clock_timestamp()
order by next_run_at, name
limit 100
for update skip locked
