-- Jobs for workers in any language: claim one, renew, report, end it. Safe to apply again.
-- Each claim is a session of its own with a lease of its own. `fence` names the attempt: a call with the fence of an
-- attempt that has ended, or whose lease was taken, changes nothing and returns false.

-- The next job of the first queue that has one, or no row. Commit before running it: the queue is locked until then.
--   select * from claim_one_job('python-1', types => '{report.*}')
create or replace function public.claim_one_job(worker_id text, queues text[] default '{default}', types text[] default '{*}',
  lease interval default '30 seconds', executor_id text default null)
returns table (id bigint, fence bigint, type text, queue text, payload jsonb, attempt int, max_attempts int, tenant text,
  trace_id text, lease_until timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  session bigint;
  until timestamptz := clock_timestamp() + claim_one_job.lease;
  at_queue text;
  at_shard text;
  job record;
  body jsonb;
  wait text;
begin
  if coalesce(claim_one_job.worker_id, '') = '' then
    raise check_violation using message = 'worker_id is missing: give each worker a name of its own.';
  end if;
  if claim_one_job.lease not between interval '1 second' and interval '1 day' then
    raise check_violation using message = format('lease is %s: use 1 second to 1 day, and renew_job meanwhile.', claim_one_job.lease);
  end if;
  if exists (select 1 from public.bus_sessions s where s.ended_at is null and s.lease_until < clock_timestamp()) then
    perform public.cogo_reap();
  end if;
  insert into public.bus_sessions (worker_id, host, pid, pid_started, lease_until, floor_claim)
    values (claim_one_job.worker_id, 'sql', pg_backend_pid(), 0, until, coalesce((select max(c.claim_id) from public.bus_claims c), 0))
    returning session_id into session;

  foreach at_queue in array claim_one_job.queues loop
    foreach at_shard in array array_remove(array[claim_one_job.executor_id, '0'], null) loop
      loop
        select * into job from public.cogo_claim_jobs(
          public.cogo_lane('jobs', at_queue, at_shard), at_queue, session, 1, claim_one_job.types);
        exit when not found;
        body := job.payload::jsonb;
        wait := public.cogo_stand_aside(session, job.fence, job.message_id, body, claim_one_job.types);
        continue when wait is not null;
        return query select job.message_id, job.fence, body ->> 'type', job.role, coalesce(body -> 'payload', '{}'::jsonb), job.attempt::int,
          job.max_attempts::int, job.tenant, job.trace_id, until;
        return;
      end loop;
    end loop;
  end loop;
  delete from public.bus_sessions s where s.session_id = session;
end $$;

-- Writes down why a job stands aside. The caller has ended its attempt, in this transaction.
create or replace function public.cogo_wait(p_job bigint, p_reason text, p_type text, p_key text, p_most int) returns void
language sql volatile as $$
  insert into public.job_waits (job_id, lane, reason, type, concurrency_key, concurrency_limit)
  select p_job, d.lane, p_reason, p_type, p_key, p_most from public.bus_deferred d where d.message_id = p_job
  on conflict (job_id) do update set reason = excluded.reason, since = excluded.since
$$;

-- Puts a claimed job aside when it cannot run here: 'type' when its type is none of `p_types`, 'concurrency' when its
-- key is in use, null when it can run. The attempt does not count.
create or replace function public.cogo_stand_aside(p_session bigint, p_claim bigint, p_job bigint, p_body jsonb, p_types text[]) returns text
language plpgsql as $$
declare
  job_type text := coalesce(p_body ->> 'type', '');
  key text := p_body ->> 'concurrency_key';
  most int := coalesce((p_body ->> 'concurrency_limit')::int, 1);
  wait text;
begin
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

-- The session of a claim that still holds its job; null when it does not.
create or replace function public.cogo_session_of(p_claim bigint, p_job bigint) returns bigint
language sql stable as $$
  select c.session_id from public.bus_claims c where c.claim_id = p_claim and public.cogo_claim_holds(p_claim, p_job)
$$;

-- Holds the job for `lease` from now. Also says, by `cancel`, whether somebody asked for its end.
create or replace function public.renew_job(id bigint, fence bigint, lease interval default '30 seconds',
  out held boolean, out cancel boolean)
language plpgsql as $$
begin
  update public.bus_sessions s set seen_at = clock_timestamp(), lease_until = clock_timestamp() + renew_job.lease
    where s.session_id = public.cogo_session_of(renew_job.fence, renew_job.id) and s.ended_at is null and s.host = 'sql';
  held := found;
  cancel := exists (select 1 from public.job_cancellations c where c.job_id = renew_job.id);
end $$;

-- What follows the end of an attempt: its permit is free, and a wish to cancel is fulfilled.
create or replace function public.cogo_attempt_ended(p_job bigint, p_claim bigint) returns void
language plpgsql as $$
declare
  key text;
begin
  delete from public.job_cancellations c where c.job_id = p_job
    and not exists (select 1 from public.bus_deferred d where d.message_id = p_job);
  delete from public.job_permits p where p.job_id = p_job and p.claim_id = p_claim returning p.key into key;
  if key is not null then
    perform pg_notify('cogo_bus', w.lane::text) from (select distinct lane from public.job_waits where concurrency_key = key) w;
  end if;
end $$;

-- Ends the session of a job that was claimed by SQL; a session of a worker process goes on.
create or replace function public.cogo_leave(p_session bigint, p_job bigint, p_claim bigint) returns void
language plpgsql as $$
begin
  update public.bus_sessions s set ended_at = clock_timestamp(), end_reason = 'The job ended.' where s.session_id = p_session and s.host = 'sql';
  perform public.cogo_attempt_ended(p_job, p_claim);
end $$;

-- What a job left. The caller has ended the attempt under its fence, in this transaction.
create or replace function public.cogo_record_result(p_job bigint, p_claim bigint, p_attempt int, p_worker text, p_result jsonb) returns void
language sql volatile as $$
  insert into public.job_results (job_id, claim_id, attempt, worker_id, result, started_at)
  select p_job, p_claim, p_attempt, p_worker, p_result, c.claimed_at from public.bus_claims c where c.claim_id = p_claim
  on conflict (job_id) do update set claim_id = excluded.claim_id, attempt = excluded.attempt, worker_id = excluded.worker_id,
    result = excluded.result, started_at = excluded.started_at, finished_at = excluded.finished_at
$$;

create or replace function public.complete_job(id bigint, fence bigint, result jsonb default null) returns boolean
language plpgsql as $$
declare
  session bigint := public.cogo_session_of(complete_job.fence, complete_job.id);
  attempt int := coalesce((select d.attempt from public.bus_deferred d where d.message_id = complete_job.id), 1);
begin
  if session is null or not exists (
    select 1 from public.cogo_finish(session, array[complete_job.fence], array[complete_job.id])) then
    return false;
  end if;
  perform public.cogo_record_result(complete_job.id, complete_job.fence, attempt,
    (select s.worker_id from public.bus_sessions s where s.session_id = session), complete_job.result);
  perform public.cogo_leave(session, complete_job.id, complete_job.fence);
  return true;
end $$;

-- `retry`: again after `delay` (null: backoff), or dead-lettered when its attempts are used up. Otherwise given up now.
create or replace function public.fail_job(id bigint, fence bigint, reason text, retry boolean default true, code text default 'failed',
  delay interval default null) returns boolean
language plpgsql as $$
declare
  session bigint := public.cogo_session_of(fail_job.fence, fail_job.id);
  worker text := (select s.worker_id from public.bus_sessions s where s.session_id = session);
  ended boolean;
begin
  if session is null then
    return false;
  end if;
  if fail_job.retry and not exists (select 1 from public.job_cancellations c where c.job_id = fail_job.id) then
    ended := public.cogo_retry(session, fail_job.fence, fail_job.id, fail_job.delay, fail_job.reason, true, worker) <> 'fenced';
  else
    ended := public.cogo_fail(session, fail_job.fence, fail_job.id,
      coalesce((select 'cancelled' from public.job_cancellations c where c.job_id = fail_job.id), fail_job.code), fail_job.reason, 'failed', worker);
  end if;
  if ended then
    perform public.cogo_leave(session, fail_job.id, fail_job.fence);
  end if;
  return ended;
end $$;

-- Again after `delay`; the attempt does not count.
create or replace function public.snooze_job(id bigint, fence bigint, delay interval) returns boolean
language plpgsql as $$
declare
  session bigint := public.cogo_session_of(snooze_job.fence, snooze_job.id);
begin
  if session is null or public.cogo_retry(session, snooze_job.fence, snooze_job.id, snooze_job.delay, 'Snoozed.', false, null) = 'fenced' then
    return false;
  end if;
  perform public.cogo_leave(session, snooze_job.id, snooze_job.fence);
  return true;
end $$;

create or replace function public.report_progress(id bigint, fence bigint, fraction double precision, message text default null) returns boolean
language plpgsql as $$
begin
  if public.cogo_session_of(report_progress.fence, report_progress.id) is null then
    return false;
  end if;
  insert into public.job_progress (job_id, claim_id, fraction, message)
    values (report_progress.id, report_progress.fence, report_progress.fraction, report_progress.message)
    on conflict (job_id) do update set claim_id = excluded.claim_id, fraction = excluded.fraction, message = excluded.message, updated_at = excluded.updated_at;
  return true;
end $$;

-- Puts dead jobs back under their own ids. `reset` gives all attempts anew, otherwise one more. Returns their ids.
create or replace function public.retry_failed_jobs(executor_id text default null, type_prefix text default null, "limit" int default 100,
  reset boolean default true, dry_run boolean default false) returns setof bigint
language plpgsql as $$
declare
  l public.dead_letters;
begin
  for l in
    select * from public.dead_letters x
    where x.service = 'jobs' and x.code <> 'cancelled'
      and (retry_failed_jobs.executor_id is null or x.shard = retry_failed_jobs.executor_id)
      and (type_prefix is null or starts_with(x.payload ->> 'type', type_prefix))
    order by x.id limit retry_failed_jobs."limit" for update skip locked
  loop
    if not dry_run then
      insert into public.bus_deferred (message_id, lane, service, role, shard, tenant, payload, trace_id, trace_parent, idempotency_key,
          priority, attempt, max_attempts, ready_at, created_at)
        values (l.message_id, public.cogo_lane(l.service, l.role, l.shard), l.service, l.role, l.shard, l.tenant, l.payload, l.trace_id,
          l.trace_parent, l.idempotency_key, l.priority, case when reset then 0 else l.attempt end,
          case when reset then l.max_attempts else least(1000, greatest(l.max_attempts, l.attempt + 1)) end, clock_timestamp(), l.message_created_at)
        on conflict (message_id) do nothing;
      delete from public.dead_letters x where x.id = l.id;
      insert into public.bus_events (trace_id, type, message_id, route, attempt, data)
        values (l.trace_id, 'job_requeued', l.message_id, l.service || '/' || l.role || '/' || l.shard, l.attempt, jsonb_build_object('reset', reset));
    end if;
    return next l.message_id;
  end loop;
  if not dry_run then
    perform pg_notify('cogo_bus', '*');
  end if;
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
    select q.*, x.payload -> 'concurrency_key' as key from public.jobs_dlq q join public.dead_letters x on x.id = q.id
    where q.replayed_as is null and (replay_dlq.type_prefix is null or starts_with(q.type, replay_dlq.type_prefix))
    order by q.id limit replay_dlq."limit"
  loop
    job_id := l.job_id;
    replayed_as := null;
    if not replay_dlq.dry_run then
      insert into public.jobs (type, queue, executor_id, payload, priority, max_attempts, tenant, idempotency_key, trace_id, concurrency_key)
        values (l.type, l.queue, l.executor_id, l.payload, l.priority, l.max_attempts, l.tenant, 'dlq:' || l.job_id, l.trace_id, l.key #>> '{}')
        returning id into replayed_as;
    end if;
    return next;
  end loop;
end $$;

-- Forgets finished jobs older than `before`, at most `"limit"`. Returns how many of each status.
create or replace function public.purge_jobs(before timestamptz, statuses text[] default '{succeeded,failed,cancelled}', dry_run boolean default true,
  "limit" int default 10000) returns table (status text, jobs bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  old bigint[];
begin
  if not purge_jobs.statuses <@ array['succeeded', 'failed', 'cancelled'] then
    raise check_violation using message = 'Only finished jobs can be purged: succeeded, failed, cancelled.';
  end if;
  create temporary table cogo_purged on commit drop as
    select j.id, j.status from public.jobs j
    where j.created_at < purge_jobs.before and j.status = any (purge_jobs.statuses) and coalesce(j.finished_at, j.created_at) < purge_jobs.before
    order by j.id limit purge_jobs."limit";
  if not purge_jobs.dry_run then
    old := array(select id from cogo_purged);
    delete from public.job_results r where r.job_id = any (old);
    delete from public.job_progress p where p.job_id = any (old);
    delete from public.dead_letters l where l.service = 'jobs' and l.message_id = any (old);
    delete from public.agent_messages m where m.service = 'jobs' and m.id = any (old);
  end if;
  return query select p.status, count(*) from cogo_purged p group by p.status order by p.status;
  drop table cogo_purged;
end $$;

-- Drops the daily partitions of messages and events whose day ended more than `keep` ago, when nothing in them waits or
-- runs. Waits 2 s at most for the lock. Returns the names of what was dropped.
create or replace function public.cogo_drop_old_partitions(keep interval) returns setof text
language plpgsql set lock_timeout = '2s' as $$
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
            select l.lane, cur.* from (select distinct m.lane from public.%I m) l
            left join lateral (
              select c.claim_id, c.special, c.prev, c.target, c.last_xid, c.last_id from public.bus_claims c
              where c.lane = l.lane order by c.claim_id desc limit 1) cur on true)
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
      execute format('drop table public.%I', child.relname);
      return next child.relname;
    end if;
  end loop;
end $$;
