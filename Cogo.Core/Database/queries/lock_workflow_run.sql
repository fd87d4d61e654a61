-- One run, its row locked until the transaction ends: whoever changes a run, or begins or ends a step, holds this lock.
select run_id, template, tenant, trace_id, task_id, request::text, status, code, reason, attempt, max_repairs, repairs_left, gate::text, last_event,
  created_at, ended_at
from public.workflow_runs
where run_id = $1
for update
