-- All that is known of one job: a look-up by id. Takes no lock.
-- $1 id
select id, type, queue, status, waits_for, attempts, max_attempts, priority, progress, progress_message, worker_id, error_code, error,
  created_at, next_run_at, started_at, finished_at, expires_at, tenant, executor_id, idempotency_key, concurrency_key, concurrency_limit,
  trace_id, payload, result
from public.jobs
where id = $1
