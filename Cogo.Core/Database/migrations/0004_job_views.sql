-- Jobs as people and other programs see them. A job's status is not stored, it follows from where the job is: writing it
-- down would be an update a job, and updates are what slows queues on Postgres down.

create or replace view public.jobs as
select
  m.id,
  m.payload ->> 'type' as type,
  m.role as queue,
  coalesce(m.payload -> 'payload', '{}'::jsonb) as payload,
  case
    when dead.id is not null then case dead.code when 'cancelled' then 'cancelled' else 'failed' end
    when d.claim_id is not null then 'running'
    when wait.job_id is not null then 'queued'
    when d.attempt > 0 then 'retrying'
    when d.ready_at > clock_timestamp() then 'scheduled'
    when d.message_id is not null then 'queued'
    when done.job_id is not null then 'succeeded'
    when m.special and not coalesce(pg_visible_in_snapshot(m.xid, cur.special), false)
      then case when m.not_before > clock_timestamp() then 'scheduled' else 'queued' end
    when m.special then case when twin.message_id is not null then 'cancelled' else 'succeeded' end
    when hot.claim_id is not null then case when hot.acked_at is null then 'running' else 'succeeded' end
    when pg_visible_in_snapshot(m.xid, cur.prev)
      or (pg_visible_in_snapshot(m.xid, cur.target) and (m.xid, m.id) <= (cur.last_xid, cur.last_id)) then 'succeeded'
    else 'queued'
  end as status,
  m.priority,
  coalesce(dead.attempt, d.attempt, done.attempt,
    case when hot.claim_id is not null or pg_visible_in_snapshot(m.xid, cur.prev) then 1 else 0 end)::int as attempts,
  coalesce(d.max_attempts, dead.max_attempts, m.max_attempts)::int as max_attempts,
  case
    when wait.job_id is not null or dead.id is not null or done.job_id is not null then null
    when d.message_id is not null and d.claim_id is null then
      case when d.ready_at < '2020-01-01 00:00+00' then coalesce(m.not_before, m.created_at) else d.ready_at end
    when d.message_id is null and m.special and not coalesce(pg_visible_in_snapshot(m.xid, cur.special), false) then coalesce(m.not_before, m.created_at)
  end as next_run_at,
  case when wait.job_id is not null then wait.reason end as waits_for,
  m.idempotency_key,
  m.tenant,
  m.payload ->> 'concurrency_key' as concurrency_key,
  (m.payload ->> 'concurrency_limit')::int as concurrency_limit,
  nullif(m.shard, '0') as executor_id,
  coalesce(done.worker_id, s.worker_id) as worker_id,
  p.fraction as progress,
  p.message as progress_message,
  done.result,
  coalesce(dead.reason, 'Has the same idempotency key as job ' || twin.message_id || '.',
    case when d.attempt > 0 then (
      select e.data ->> 'reason' from public.bus_events e
      where e.trace_id = m.trace_id and e.message_id = m.id and e.type = 'job_retry' order by e.id desc limit 1) end) as error,
  dead.code as error_code,
  m.trace_id,
  m.created_at,
  coalesce(done.started_at, hot.claimed_at, held.claimed_at) as started_at,
  coalesce(dead.created_at, done.finished_at, case when d.message_id is null then hot.acked_at end) as finished_at,
  m.expires_at
from public.agent_messages m
left join lateral (
  select c.special, c.prev, c.target, c.last_xid, c.last_id from public.bus_claims c where c.lane = m.lane order by c.claim_id desc limit 1
) cur on true
left join public.bus_deferred d on d.message_id = m.id
left join public.job_waits wait on wait.job_id = m.id
left join public.job_results done on done.job_id = m.id and d.message_id is null
left join public.job_progress p on p.job_id = m.id
left join lateral (
  select l.* from public.dead_letters l where l.message_id = m.id and l.service = 'jobs' order by l.id desc limit 1
) dead on d.message_id is null
-- The claim that took an ordinary job: the first whose cursor is at or behind it. A job that was committed out of order
-- may not be found, and then has no times.
left join lateral (
  select c.claim_id, c.session_id, c.claimed_at,
    (select a.acked_at from public.bus_acks a where a.claim_id = c.claim_id and m.id = any (a.ids) limit 1) as acked_at
  from (
    select * from public.bus_claims c
    where c.lane = m.lane and c.ids <> '{}' and (c.last_xid, c.last_id) >= (m.xid, m.id)
    order by c.last_xid, c.last_id limit 4) c
  where m.id = any (c.ids) order by c.claim_id limit 1
) hot on not m.special
left join public.bus_claims held on held.claim_id = d.claim_id
left join public.bus_sessions s on s.session_id = case
  when d.claim_id is not null then held.session_id when d.message_id is null then hot.session_id end
left join lateral (
  select k.message_id from public.bus_keys k
  where m.idempotency_key is not null and k.lane = m.lane and k.key = m.idempotency_key and k.message_id <> m.id
) twin on true
where m.service = 'jobs';

comment on view public.jobs is 'Insert type, payload and what else matters to enqueue a job; read to see what became of it.';

-- insert into jobs (type, payload) values ('http.get', '{"url": "http://localhost/"}') returning id
-- A second job with the same idempotency key in its queue is not enqueued: the id is that of the first.
create or replace function public.cogo_insert_job() returns trigger
language plpgsql as $$
declare
  body jsonb;
  known public.bus_keys;
  at_lane bigint;
begin
  if new.type is null or not public.cogo_is_route_part(new.type) then
    raise check_violation using message = format('The job''s type is %s: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.', coalesce(quote_literal(new.type), 'missing'));
  end if;
  new.queue := coalesce(new.queue, 'default');
  if not public.cogo_is_route_part(new.queue) then
    raise check_violation using message = format('The job''s queue is %L: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.', new.queue);
  end if;
  if new.concurrency_limit < 1 then
    raise check_violation using message = format('The job''s concurrency_limit is %s: use 1 or more.', new.concurrency_limit);
  end if;
  new.priority := coalesce(new.priority, 0);
  new.max_attempts := coalesce(new.max_attempts, 5);
  new.payload := coalesce(new.payload, '{}');
  new.trace_id := coalesce(new.trace_id, public.cogo_new_trace_id());
  new.id := coalesce(new.id, nextval(pg_get_serial_sequence('public.agent_messages', 'id')));
  body := jsonb_strip_nulls(jsonb_build_object(
    'type', new.type, 'concurrency_key', new.concurrency_key, 'concurrency_limit', new.concurrency_limit)) || jsonb_build_object('payload', new.payload);
  if new.idempotency_key is not null then
    at_lane := public.cogo_lane('jobs', new.queue, coalesce(new.executor_id, '0'));
    insert into public.bus_keys (lane, key, message_id, trace_id, payload)
      values (at_lane, new.idempotency_key, new.id, new.trace_id, md5(body::text))
      on conflict (lane, key) do update set key = excluded.key
      returning * into known;
    if known.payload <> md5(body::text) then
      raise unique_violation using
        message = format('Job %s in queue %s has the idempotency key %L and another payload.', known.message_id, new.queue, new.idempotency_key),
        hint = 'Use a key of its own for each different job.';
    end if;
    if known.message_id <> new.id then
      new.id := known.message_id;
      new.trace_id := known.trace_id;
      return new;
    end if;
  end if;
  insert into public.agent_messages
    (id, service, role, shard, tenant, payload, trace_id, idempotency_key, priority, max_attempts, not_before, expires_at)
    values (new.id, 'jobs', new.queue, coalesce(new.executor_id, '0'), new.tenant, body, new.trace_id, new.idempotency_key,
      new.priority, new.max_attempts, new.next_run_at, new.expires_at)
    returning created_at into new.created_at;
  new.status := case when new.next_run_at > clock_timestamp() then 'scheduled' else 'queued' end;
  return new;
end $$;

create or replace trigger jobs_insert instead of insert on public.jobs for each row execute function public.cogo_insert_job();

-- Jobs that were given up.
create or replace view public.jobs_dlq as
select l.id, l.message_id as job_id, l.payload ->> 'type' as type, l.role as queue, nullif(l.shard, '0') as executor_id,
  l.payload -> 'payload' as payload, l.code as error_code, l.reason as error, l.attempt::int as attempts, l.max_attempts::int as max_attempts,
  l.priority, l.tenant, l.trace_id, l.message_created_at as job_created_at, l.created_at,
  k.message_id as replayed_as
from public.dead_letters l
left join public.bus_keys k on k.lane = public.cogo_lane(l.service, l.role, l.shard) and k.key = 'dlq:' || l.message_id
where l.service = 'jobs' and l.code <> 'cancelled';

create or replace view public.worker_heartbeats as
select s.session_id, s.worker_id, s.host, s.pid, s.routes, s.started_at, s.seen_at, s.lease_until, s.ended_at, s.end_reason,
  s.ended_at is null and s.lease_until >= clock_timestamp() as alive
from public.bus_sessions s;
