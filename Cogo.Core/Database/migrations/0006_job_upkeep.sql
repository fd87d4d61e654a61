-- Claims jobs: cogo_claim, with the queue's pause, jobs that stood aside, tenants' turns and cancellations seen to.
-- `p_types` null: those that the session's worker has registered.
create or replace function public.cogo_claim_jobs(p_lane bigint, p_queue text, p_session bigint, p_limit int, p_types text[] default null)
returns table (fence bigint, message_id bigint, service text, role text, shard text, tenant text, payload text, trace_id text,
  trace_parent text, idempotency_key text, priority smallint, attempt smallint, max_attempts smallint,
  expires_at timestamptz, created_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  job record;
  why text;
begin
  perform pg_advisory_xact_lock(p_lane);
  if exists (select 1 from public.job_queues q where q.queue = p_queue and q.paused_at is not null) then
    return;
  end if;
  if exists (select 1 from public.job_waits w where w.lane = p_lane) then
    perform public.cogo_admit_waiting(p_lane, coalesce(p_types, (
      select d.types from public.worker_devices d join public.bus_sessions s using (worker_id) where s.session_id = p_session), '{}'), p_limit);
  end if;
  perform public.cogo_give_turns(p_lane);
  if not exists (select 1 from public.job_cancellations c where c.lane = p_lane) then
    return query select * from public.cogo_claim(p_lane, p_session, p_limit);
    return;
  end if;

  -- Wishes that came too late, or the lane would be claimed row by row for ever.
  delete from public.job_cancellations c where c.lane = p_lane and c.requested_at < clock_timestamp() - interval '10 seconds'
    and not exists (select 1 from public.jobs j where j.id = c.job_id and j.status not in ('succeeded', 'failed', 'cancelled'));
  for job in select * from public.cogo_claim(p_lane, p_session, p_limit) loop
    delete from public.job_cancellations c where c.job_id = job.message_id returning c.reason into why;
    if found then
      perform public.cogo_fail(p_session, job.fence, job.message_id, 'cancelled', why, 'invalid', null);
    else
      return query select job.fence, job.message_id, job.service, job.role, job.shard, job.tenant, job.payload, job.trace_id,
        job.trace_parent, job.idempotency_key, job.priority, job.attempt, job.max_attempts, job.expires_at, job.created_at;
    end if;
  end loop;
end $$;

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
left join lateral (select c.session_id, c.claimed_at from public.bus_claims c where c.claim_id = d.claim_id limit 1) held on true
left join lateral (
  select s.worker_id from public.bus_sessions s
  where s.session_id = case when d.claim_id is not null then held.session_id when d.message_id is null then hot.session_id end limit 1
) s on true
left join lateral (
  select k.message_id from public.bus_keys k
  where m.idempotency_key is not null and k.lane = m.lane and k.key = m.idempotency_key and k.message_id <> m.id limit 1
) twin on true
where m.service = 'jobs';

-- Drops the daily partitions of messages and events whose day ended more than `keep` ago, when nothing in them waits or
-- runs. The lock it needs keeps others waiting, so it waits for it 200 ms at most and leaves the rest to the next time.
-- Returns the names of what was dropped.
create or replace function public.cogo_drop_old_partitions(keep interval) returns setof text
language plpgsql set lock_timeout = '200ms' as $$
declare
  child record;
  in_use boolean;
begin
  for child in
    select c.oid, c.relname, p.relname as parent
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
    where i.inhparent in ('public.agent_messages'::regclass, 'public.bus_events'::regclass) and c.relname ~ '_\d{8}$'
      and (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' < clock_timestamp() - keep
    order by c.relname
  loop
    in_use := false;
    if child.parent = 'agent_messages' then
      -- Not claimed yet, or held by a claim that has not ended: an ordinary message is read again when it is retried.
      execute format($q$
        select exists (
          with cursors as materialized (
            select l.lane, cur.claim_id, cur.special, cur.prev, cur.target, cur.last_xid, cur.last_id from (select distinct m.lane from public.%I m) l
            left join lateral (
              select c.claim_id, c.lane, c.special, c.prev, c.target, c.last_xid, c.last_id from public.bus_claims c
              where (c.lane, c.claim_id) <= (l.lane, 9223372036854775807)
              order by c.lane desc, c.claim_id desc limit 1) cur on cur.lane = l.lane)
          select 1 from public.%I m join cursors cur using (lane)
          where cur.claim_id is null or case when m.special then not pg_visible_in_snapshot(m.xid, cur.special)
            else not (pg_visible_in_snapshot(m.xid, cur.prev)
              or (pg_visible_in_snapshot(m.xid, cur.target) and (m.xid, m.id) <= (cur.last_xid, cur.last_id))) end)
        or exists (
          select 1 from public.bus_sessions s join public.bus_claims c on c.session_id = s.session_id and c.claim_id >= s.floor_claim
          cross join lateral (select unnest(c.ids) as id except select unnest(a.ids) from public.bus_acks a where a.claim_id = c.claim_id) o
          join public.%I m on m.lane = c.lane and m.id = o.id
          where s.ended_at is null and c.revoked_at is null)$q$, child.relname, child.relname, child.relname) into in_use;
    end if;
    if not in_use then
      begin
        execute format('drop table public.%I', child.relname);
      exception when lock_not_available then
        return;
      end;
      return next child.relname;
    end if;
  end loop;
  delete from public.job_results r where r.finished_at < clock_timestamp() - keep;
  delete from public.job_progress p where p.updated_at < clock_timestamp() - keep
    and not exists (select 1 from public.bus_deferred d where d.message_id = p.job_id);
end $$;
