-- Audits an event of a run, numbered without gaps: the run's row is locked, so numbers become visible in their order.
-- $2 type, $3 data, $4 message or null, $5 attempt or null, $6 worker or null
with numbered as (
  update public.workflow_runs set last_event = last_event + 1 where run_id = $1 returning run_id, trace_id, last_event
)
insert into public.bus_events (trace_id, type, message_id, route, attempt, worker, data)
select trace_id, $2, $4, 'workflow/run/0', $5, $6, jsonb_build_object('run_id', run_id, 'seq', last_event) || $3::jsonb
from numbered
