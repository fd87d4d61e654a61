-- The steps of a run, in order. Takes no lock.
select step, name, attempt, repair, route, task_id, status, message_id, verdict, code, reason, result::text, started_at, ended_at
from public.workflow_steps
where run_id = $1
order by step
