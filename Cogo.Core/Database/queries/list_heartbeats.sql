-- Sessions of workers, the latest heard of first. Takes no lock.
-- $1 worker or null, $2 limit
select worker_id, alive, session_id, host, pid, routes, started_at, seen_at, lease_until, ended_at, end_reason
from public.worker_heartbeats
where $1::text is null or worker_id = $1
order by alive desc, seen_at desc
limit $2
