-- What people are told about jobs is true also of jobs that were committed out of order, and of messages on a queue's route
-- that are no jobs; what cannot be a job is refused in a sentence. Safe to apply again.

-- The limit of a job's concurrency key; null when there is none, or it is no number.
create or replace function public.cogo_concurrency_limit(p_body jsonb) returns int
language sql immutable parallel safe as $$
  select case when jsonb_typeof(p_body -> 'concurrency_limit') = 'number' and p_body ->> 'concurrency_limit' ~ '^[0-9]{1,9}$'
    then greatest(1, (p_body ->> 'concurrency_limit')::int) end
$$;

-- Jobs as people and other programs see them. A job's status is not stored, it follows from where the job is: writing it
-- down would be an update a job, and updates are what slows queues on Postgres down.
-- Each join is lateral and limited, so that it can only be a look-up a row: the newest 50 of a million cost 50 of each.
-- No volatile function may stand in it, or the planner computes all rows before it sorts and cuts.
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
    when d.ready_at > statement_timestamp() then 'scheduled'
    when d.message_id is not null then 'queued'
    when done.job_id is not null then 'succeeded'
    when m.special and not coalesce(pg_visible_in_snapshot(m.xid, cur.special), false)
      then case when m.not_before > statement_timestamp() then 'scheduled' else 'queued' end
    when m.special then case when twin.message_id is not null then 'cancelled' else 'succeeded' end
    when hot.claim_id is not null then case when hot.acked_at is null then 'running' else 'succeeded' end
    when late.claim_id is not null then 'running'
    when pg_visible_in_snapshot(m.xid, cur.prev)
      or (pg_visible_in_snapshot(m.xid, cur.target) and (m.xid, m.id) <= (cur.last_xid, cur.last_id)) then 'succeeded'
    else 'queued'
  end as status,
  m.priority,
  coalesce(dead.attempt, d.attempt, done.attempt,
    case when hot.claim_id is not null or late.claim_id is not null or pg_visible_in_snapshot(m.xid, cur.prev) then 1 else 0 end)::int as attempts,
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
  public.cogo_concurrency_limit(m.payload) as concurrency_limit,
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
  coalesce(done.started_at, hot.claimed_at, late.claimed_at, held.claimed_at) as started_at,
  coalesce(dead.created_at, done.finished_at, case when d.message_id is null then hot.acked_at end) as finished_at,
  m.expires_at
from public.agent_messages m
left join lateral (
  select c.lane, c.special, c.prev, c.target, c.last_xid, c.last_id from public.bus_claims c
  where (c.lane, c.claim_id) <= (m.lane, 9223372036854775807) order by c.lane desc, c.claim_id desc limit 1
) cur on cur.lane = m.lane
left join lateral (select * from public.bus_deferred d where d.message_id = m.id limit 1) d on true
left join lateral (select * from public.job_waits w where w.job_id = m.id limit 1) wait on true
left join lateral (select * from public.job_results r where r.job_id = m.id and d.message_id is null limit 1) done on true
left join lateral (select * from public.job_progress p where p.job_id = m.id limit 1) p on true
left join lateral (
  select l.* from public.dead_letters l where l.message_id = m.id and l.service = 'jobs' order by l.id desc limit 1
) dead on d.message_id is null
-- The claim that took an ordinary job: the first whose cursor is at or behind it.
left join lateral (
  select c.claim_id, c.session_id, c.claimed_at,
    (select a.acked_at from public.bus_acks a where a.claim_id = c.claim_id and m.id = any (a.ids) limit 1) as acked_at
  from (
    select * from public.bus_claims c
    where c.lane = m.lane and c.ids <> '{}' and (c.last_xid, c.last_id) >= (m.xid, m.id)
    order by c.last_xid, c.last_id limit 4) c
  where m.id = any (c.ids) order by c.claim_id limit 1
) hot on not m.special
-- A job that was committed out of order may not be found so. As long as it runs, it is in a claim of a living session;
-- afterwards it has no times.
left join lateral (
  select c.claim_id, c.session_id, c.claimed_at
  from public.bus_sessions s join public.bus_claims c on c.session_id = s.session_id and c.claim_id >= s.floor_claim
  where not m.special and hot.claim_id is null and d.message_id is null and done.job_id is null and dead.id is null
    and (pg_visible_in_snapshot(m.xid, cur.prev) or pg_visible_in_snapshot(m.xid, cur.target))
    and s.ended_at is null and c.revoked_at is null and c.lane = m.lane and m.id = any (c.ids)
    and not exists (select 1 from public.bus_acks a where a.claim_id = c.claim_id and m.id = any (a.ids))
  limit 1
) late on true
left join lateral (select c.session_id, c.claimed_at from public.bus_claims c where c.claim_id = d.claim_id limit 1) held on true
left join lateral (
  select s.worker_id from public.bus_sessions s
  where s.session_id = case when d.claim_id is not null then held.session_id when d.message_id is null then coalesce(hot.session_id, late.session_id) end limit 1
) s on true
left join lateral (
  select k.message_id from public.bus_keys k
  where m.idempotency_key is not null and k.lane = m.lane and k.key = m.idempotency_key and k.message_id <> m.id limit 1
) twin on true
where m.service = 'jobs';

-- insert into jobs (type, payload) values ('http.get', '{"url": "http://localhost/"}') returning id
-- A second job with the same idempotency key in its queue is not enqueued: the id is that of the first.
create or replace function public.cogo_insert_job() returns trigger
language plpgsql as $$
declare
  body jsonb;
  known public.bus_keys;
  at_lane bigint;
  wrong text;
begin
  if new.type is null or not public.cogo_is_route_part(new.type) then
    raise check_violation using message = format('The job''s type is %s: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.', coalesce(quote_literal(new.type), 'missing'));
  end if;
  new.queue := coalesce(new.queue, 'default');
  if not public.cogo_is_route_part(new.queue) then
    raise check_violation using message = format('The job''s queue is %L: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.', new.queue);
  end if;
  new.priority := coalesce(new.priority, 0);
  new.max_attempts := coalesce(new.max_attempts, 5);
  new.payload := coalesce(new.payload, '{}');
  new.trace_id := coalesce(new.trace_id, public.cogo_new_trace_id());
  new.id := coalesce(new.id, nextval(pg_get_serial_sequence('public.agent_messages', 'id')));
  new.expires_at := nullif(new.expires_at, 'infinity');
  wrong := case
    when new.executor_id is not null and not public.cogo_is_route_part(new.executor_id) then
      format('executor_id is %L: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit', new.executor_id)
    when new.concurrency_limit < 1 then format('concurrency_limit is %s: use 1 or more', new.concurrency_limit)
    when length(new.concurrency_key) not between 1 and 300 then 'concurrency_key must have 1 to 300 characters'
    when length(new.idempotency_key) not between 1 and 300 then 'idempotency_key must have 1 to 300 characters'
    when length(new.tenant) not between 1 and 200 then 'tenant must have 1 to 200 characters'
    when new.priority not between -100 and 100 then format('priority is %s: use -100 to 100', new.priority)
    when new.max_attempts not between 1 and 1000 then format('max_attempts is %s: use 1 to 1000', new.max_attempts)
    when new.next_run_at >= '10000-01-01 00:00+00' then format('next_run_at is %s: use a time before the year 10000', new.next_run_at)
    when new.expires_at >= '10000-01-01 00:00+00' then format('expires_at is %s: use a time before the year 10000, or null', new.expires_at)
    when not public.cogo_is_trace_id(new.trace_id) then format('trace_id is %L: use 32 lowercase hex digits', new.trace_id)
    when octet_length(new.payload::text) > 5 * 1024 * 1024 then format(
      'payload has %s bytes and the limit is 5242880: store the content as an artifact and send its path', octet_length(new.payload::text))
  end;
  if wrong is not null then
    raise check_violation using message = format('The job''s %s.', wrong);
  end if;
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

-- Puts a claimed job aside when it cannot run here: 'type' when its type is none of `p_types`, 'concurrency' when its
-- key is in use, null when it can run. The attempt does not count. A message that is no job is given up: 'malformed'.
create or replace function public.cogo_stand_aside(p_session bigint, p_claim bigint, p_job bigint, p_body jsonb, p_types text[]) returns text
language plpgsql as $$
declare
  job_type text := coalesce(p_body ->> 'type', '');
  key text := p_body ->> 'concurrency_key';
  most int := coalesce(public.cogo_concurrency_limit(p_body), 1);
  wait text;
begin
  if jsonb_typeof(p_body -> 'type') is distinct from 'string' or length(key) > 300 then
    perform public.cogo_fail(p_session, p_claim, p_job, 'malformed_job',
      'The message is no job: it needs a "type" and a "payload". Insert into public.jobs instead of agent_messages.', 'invalid', null);
    return 'malformed';
  end if;
  if not public.cogo_knows_type(job_type, p_types) then
    wait := 'type';
  elsif key is not null and not public.cogo_take_permit(key, most, p_job, p_claim) then
    wait := 'concurrency';
  else
    return null;
  end if;
  if public.cogo_retry(p_session, p_claim, p_job, interval '1000 years', 'Stands aside.', false, null) = 'retried' then
    perform public.cogo_wait(p_job, wait, job_type, key, most);
  end if;
  return wait;
end $$;

-- Enqueues dead jobs anew, each once: the idempotency key is dlq:<job_id>. Returns dead and new ids.
create or replace function public.replay_dlq("limit" int default 100, type_prefix text default null, dry_run boolean default false)
returns table (job_id bigint, replayed_as bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  l record;
begin
  for l in
    select q.*, x.payload as body from public.jobs_dlq q join public.dead_letters x on x.id = q.id
    where q.replayed_as is null and q.error_code <> 'malformed_job' and (replay_dlq.type_prefix is null or starts_with(q.type, replay_dlq.type_prefix))
    order by q.id limit replay_dlq."limit"
  loop
    job_id := l.job_id;
    replayed_as := null;
    if not replay_dlq.dry_run then
      insert into public.jobs (type, queue, executor_id, payload, priority, max_attempts, tenant, idempotency_key, trace_id,
          concurrency_key, concurrency_limit)
        values (l.type, l.queue, l.executor_id, l.payload, l.priority, l.max_attempts, l.tenant, 'dlq:' || l.job_id, l.trace_id,
          l.body ->> 'concurrency_key', public.cogo_concurrency_limit(l.body))
        returning id into replayed_as;
    end if;
    return next;
  end loop;
end $$;
