-- Jobs of a status that few have (scheduled, running, retrying, failed, cancelled), newest first: those that can have it
-- are looked up where such jobs are. Takes no lock.
-- $1 status, $2 type prefix or null, $3 queue or null, $4 executor or null, $5 tenant or null, $6 limit
with candidates as materialized (
  select l.message_id as id from public.dead_letters l where l.service = 'jobs' and $1 in ('failed', 'cancelled')
  union
  select d.message_id from public.bus_deferred d where d.service = 'jobs' and $1 in ('retrying', 'scheduled', 'running')
  union
  select m.id from public.agent_messages m where m.service = 'jobs' and m.special and m.not_before > clock_timestamp() and $1 = 'scheduled'
  union
  select o.id
  from public.bus_sessions s join public.bus_claims c on c.session_id = s.session_id and c.claim_id >= s.floor_claim
  cross join lateral (select unnest(c.ids) as id except select unnest(a.ids) from public.bus_acks a where a.claim_id = c.claim_id) o
  where $1 = 'running' and s.ended_at is null and c.revoked_at is null
)
select j.id, j.type, j.queue, j.status, j.attempts, j.max_attempts, j.priority, j.next_run_at, j.worker_id, j.progress, j.error, j.created_at,
  j.started_at, j.finished_at, j.waits_for, j.tenant, j.idempotency_key, j.executor_id, j.trace_id
from (select id from candidates order by id desc) c
cross join lateral (select * from public.jobs j where j.id = c.id limit 1) j
where j.status = $1
  and ($2::text is null or starts_with(j.type, $2))
  and ($3::text is null or j.queue = $3)
  and ($4::text is null or j.executor_id = $4)
  and ($5::text is null or j.tenant = $5)
order by c.id desc
limit $6
