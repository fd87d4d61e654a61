-- A page of audit events, newest first, after the last row of the page before. Takes no lock; index bus_events_time, with
-- a type bus_events_type, with a trace bus_events_trace.
-- $1 since, $2 until, $3 types or null, $4 trace or null, $5 route or null, $6 tenant or null,
-- $7 created_at of that row or null, $8 its id or null, $9 limit
select created_at, id, trace_id, type, message_id, route, attempt, worker, tenant, queued_ms, ran_ms, nullif(data, '{}')::text
from public.bus_events
where created_at >= $1 and created_at <= coalesce($7, $2)
  and ($3::text[] is null or type = any ($3))
  and ($4::text is null or trace_id = $4)
  and ($5::text is null or route = $5)
  and ($6::text is null or tenant = $6)
  and ($7::timestamptz is null or (created_at, id) < ($7, $8))
order by created_at desc, id desc
limit $9
