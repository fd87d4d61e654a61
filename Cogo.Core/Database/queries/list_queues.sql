-- The queues that have jobs, workers, schedules or a pause, and how many of their jobs wait, run and were given up.
-- Waiting ones are counted up to 10,000 of each kind, as cogo_queue_depth does. Skips from lane to lane in the indexes
-- that claims read (agent_messages_hot, agent_messages_special, bus_deferred_turn). Takes no lock.
-- $1 limit
with recursive lanes(lane) as (
  select least(
    (select min(m.lane) from public.agent_messages m where not m.special),
    (select min(m.lane) from public.agent_messages m where m.special),
    (select min(d.lane) from public.bus_deferred d where d.claim_id is null and d.service = 'jobs'))
  union all
  select least(
    (select min(m.lane) from public.agent_messages m where not m.special and m.lane > l.lane),
    (select min(m.lane) from public.agent_messages m where m.special and m.lane > l.lane),
    (select min(d.lane) from public.bus_deferred d where d.claim_id is null and d.service = 'jobs' and d.lane > l.lane))
  from lanes l where l.lane is not null
), routes as (
  select one.lane, one.role, one.shard from lanes l cross join lateral (
    (select m.lane, m.service, m.role, m.shard from public.agent_messages m where m.lane = l.lane and not m.special limit 1)
    union all
    (select m.lane, m.service, m.role, m.shard from public.agent_messages m where m.lane = l.lane and m.special limit 1)
    union all
    (select d.lane, d.service, d.role, d.shard from public.bus_deferred d where d.lane = l.lane and d.claim_id is null and d.service = 'jobs' limit 1)
    limit 1) one
  where one.service = 'jobs'
), held as (
  select c.lane, count(*) as jobs
  from public.bus_sessions s join public.bus_claims c on c.session_id = s.session_id and c.claim_id >= s.floor_claim
  cross join lateral (select unnest(c.ids || c.deferred) except select unnest(a.ids) from public.bus_acks a where a.claim_id = c.claim_id) o
  where s.ended_at is null and c.revoked_at is null
  group by c.lane
), aside as (
  select w.lane, count(*) as jobs from public.job_waits w group by w.lane
), counted as (
  select r.role as queue,
    sum(greatest(public.cogo_queue_depth('jobs', r.role, r.shard) - coalesce(h.jobs, 0), 0) + coalesce(a.jobs, 0)) as waiting,
    sum(coalesce(h.jobs, 0)) as running
  from routes r left join held h on h.lane = r.lane left join aside a on a.lane = r.lane
  group by r.role
), names as (
  select queue from counted
  union select queue from public.job_queues where paused_at is not null
  union select unnest(queues) from public.worker_devices
  union select queue from public.job_schedules
  union select distinct role from public.dead_letters where service = 'jobs' and code <> 'cancelled'
)
select n.queue, p.queue is not null as paused, coalesce(c.waiting, 0)::bigint as waiting, coalesce(c.running, 0)::bigint as running,
  (select count(*) from public.dead_letters l where l.service = 'jobs' and l.role = n.queue and l.code <> 'cancelled') as failed,
  p.reason, p.paused_at
from names n
left join counted c on c.queue = n.queue
left join public.job_queues p on p.queue = n.queue and p.paused_at is not null
order by n.queue
limit $1
