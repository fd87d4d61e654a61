-- Workers that registered, and whether they live. Takes no lock.
-- $1 limit
select d.worker_id, h.alive, d.executor_id, d.queues, d.types, d.host, d.pid, d.processors, d.memory_bytes, d.os, d.version, d.registered_at, h.seen_at
from public.worker_devices d
left join lateral (
  select h.alive, h.seen_at from public.worker_heartbeats h where h.worker_id = d.worker_id order by h.session_id desc limit 1
) h on true
order by h.alive desc nulls last, h.seen_at desc nulls last, d.worker_id
limit $1
