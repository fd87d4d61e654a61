-- Jobs, newest first: walks index agent_messages_jobs backwards and stops after $6 rows. Takes no lock.
-- $1 status or null, $2 type prefix or null, $3 queue or null, $4 executor or null, $5 tenant or null, $6 limit
select id, type, queue, status, attempts, max_attempts, priority, next_run_at, worker_id, progress, error, created_at, started_at, finished_at,
  waits_for, tenant, idempotency_key, executor_id, trace_id
from public.jobs
where ($1::text is null or status = $1)
  and ($2::text is null or starts_with(type, $2))
  and ($3::text is null or queue = $3)
  and ($4::text is null or executor_id = $4)
  and ($5::text is null or tenant = $5)
order by id desc
limit $6
