-- Runs, newest first, without what can be long of their requests. Takes no lock; walks the primary key backwards, or workflow_runs_status.
-- $1 status or null, $2 template or null, $3 only runs before this id or null, $4 limit
select run_id, template, tenant, trace_id, task_id, (request - 'patch' - 'command' - 'task')::text, status, code, reason, attempt, max_repairs, repairs_left, gate::text,
  last_event, created_at, ended_at
from public.workflow_runs
where ($1::text is null or status = $1) and ($2::text is null or template = $2) and ($3::text is null or run_id < $3)
order by run_id desc
limit $4
