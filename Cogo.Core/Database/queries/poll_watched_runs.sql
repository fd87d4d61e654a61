-- Where watched runs stand, and the newest event of each within the last hour. Takes no lock; indexes workflow_runs_trace
-- and, in the partitions of that hour, bus_events_trace.
-- $1 trace ids
select distinct on (r.trace_id) r.trace_id, r.status, r.last_event, coalesce((
    select max(e.id) from public.bus_events e
    where e.trace_id = r.trace_id and e.created_at >= statement_timestamp() - interval '1 hour'), 0)
from public.workflow_runs r
where r.trace_id = any ($1)
order by r.trace_id, r.run_id desc
