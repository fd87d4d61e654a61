-- The workers whose lease holds. Takes no lock; index bus_sessions_live.
select worker_id, routes, started_at, seen_at
from public.bus_sessions
where ended_at is null and lease_until > clock_timestamp()
order by worker_id, session_id
