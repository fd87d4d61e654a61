-- Sessions whose lease ran out and that nobody has ended. Takes no lock; index bus_sessions_live.
select worker_id, session_id, host, pid, seen_at, lease_until
from public.bus_sessions
where ended_at is null and lease_until < clock_timestamp()
order by lease_until
