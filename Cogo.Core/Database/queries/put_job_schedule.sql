-- Creates or replaces a schedule and returns when it runs next. Locks its one row, by primary key.
-- $1 name, $2 cron, $3 type, $4 queue, $5 payload, $6 priority, $7 max attempts, $8 tenant or null, $9 next run
insert into public.job_schedules as s (name, cron, type, queue, payload, priority, max_attempts, tenant, next_run_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (name) do update
set cron = excluded.cron,
    type = excluded.type,
    queue = excluded.queue,
    payload = excluded.payload,
    priority = excluded.priority,
    max_attempts = excluded.max_attempts,
    tenant = excluded.tenant,
    problem = null,
    next_run_at = case when s.cron = excluded.cron and s.problem is null then s.next_run_at else excluded.next_run_at end
returning next_run_at
