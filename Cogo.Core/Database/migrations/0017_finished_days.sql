-- Finished days leave agent_messages. A claim opens and locks every partition of the table it reads, so what is kept must
-- not make it slower: days that have ended move, as whole partitions and without a row being touched, to
-- agent_messages_past, which no claim reads. Safe to apply by hand, and to apply again.

create table if not exists public.agent_messages_past (like public.agent_messages including constraints including generated including defaults)
  partition by range (created_at);

comment on table public.agent_messages_past is 'Finished days of agent_messages, set aside so that claims do not open them.';
create index if not exists agent_messages_past_trace on public.agent_messages_past (trace_id);
create index if not exists agent_messages_past_jobs on public.agent_messages_past (id) where service = 'jobs';

create or replace view public.agent_messages_all as
select * from public.agent_messages
union all
select * from public.agent_messages_past;

comment on view public.agent_messages_all is 'Every message that is kept, finished days as well.';

-- Daily partitions (UTC) from today to so many days ahead. Returns how many were made. Few, since claims open them all;
-- when nothing ran for so long, rows go to the default partition.
create or replace function public.cogo_ensure_partitions(days_ahead int default 2) returns int
language plpgsql as $$
declare
  made int := 0;
  parent text;
  day date;
  child text;
begin
  perform pg_advisory_xact_lock(hashtextextended('cogo_ensure_partitions', 0));
  foreach parent in array array['agent_messages', 'bus_events'] loop
    for offset_days in 0 .. days_ahead loop
      day := (now() at time zone 'utc')::date + offset_days;
      child := parent || '_' || to_char(day, 'YYYYMMDD');
      if to_regclass('public.' || quote_ident(child)) is null then
        begin
          execute format('create table public.%I partition of public.%I for values from (%L) to (%L)',
            child, parent, day::timestamp at time zone 'utc', (day + 1)::timestamp at time zone 'utc');
          made := made + 1;
        exception when check_violation then
          -- Rows of that day stand in the default partition already; they are served from there.
          raise warning 'No partition % was made: the default partition holds rows of that day.', child;
        end;
      end if;
    end loop;
  end loop;
  return made;
end $$;

-- The rows of a partition that something may yet be read of: not claimed, or held by a claim of a living session that has
-- not ended. At most `p_most`. Walks from lane to lane, and in a lane over what its cursor has not left behind.
create or replace function public.cogo_unfinished_rows(p_partition regclass, p_most int) returns tid[]
language plpgsql set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  rows tid[] := '{}';
  more tid[];
  cur public.bus_claims;
  one bigint;
  kind text;
begin
  foreach kind in array array['not m.special', 'm.special'] loop
    one := null;
    loop
      execute format('select m.lane from %s m where %s and m.lane > $1 order by m.lane limit 1', p_partition, kind)
        into one using coalesce(one, -9223372036854775808);
      exit when one is null or cardinality(rows) >= p_most;
      select c.* into cur from public.cogo_cursor(one) c;
      if not found then
        cur.special := '1:1:';
        cur.prev := '1:1:';
        cur.target := '1:1:';
        cur.last_xid := '0';
        cur.last_id := 0;
      end if;
      execute format(
        case kind when 'm.special' then
          'select array(select m.ctid from %s m where m.lane = $1 and m.special and m.xid >= pg_snapshot_xmin($2)
             and not pg_visible_in_snapshot(m.xid, $2) limit $7)'
        else
          'select array(select m.ctid from %s m where m.lane = $1 and not m.special and m.xid >= pg_snapshot_xmin($3)
             and not pg_visible_in_snapshot(m.xid, $3)
             and not (pg_visible_in_snapshot(m.xid, $4) and (m.xid, m.id) <= ($5, $6)) limit $7)'
        end, p_partition)
        into more using one, cur.special, cur.prev, cur.target, cur.last_xid, cur.last_id, p_most - cardinality(rows);
      rows := rows || more;
    end loop;
  end loop;

  execute format(
    'select array(
       select m.ctid
       from public.bus_sessions s join public.bus_claims c on c.session_id = s.session_id and c.claim_id >= s.floor_claim
       cross join lateral (select unnest(c.ids) as id except select unnest(a.ids) from public.bus_acks a where a.claim_id = c.claim_id) o
       join %s m on m.lane = c.lane and not m.special and m.xid >= c.first_xid and m.xid < pg_snapshot_xmax(c.target) and m.id = o.id
       where s.ended_at is null and c.revoked_at is null limit $1)', p_partition)
    into more using p_most - cardinality(rows);
  return rows || more;
end $$;

-- Takes one step towards setting aside the oldest day that ended more than `p_after` ago, and says which; null when there
-- is nothing to do. Each step is to be a transaction of its own: a constraint is added; it is proved, reading the day
-- without keeping anyone waiting; the day is moved, which then reads nothing. What is unfinished in the day, up to 10,000
-- messages, is taken over into agent_messages_default, where it stands in line as before; a day with more waits.
-- Locks that it does not get within 100 ms it leaves to the next time.
create or replace function public.cogo_set_day_aside(p_after interval default '1 hour') returns text
language plpgsql set lock_timeout = '100ms' as $$
declare
  most constant int := 10000;
  child record;
  day timestamp;
  proof text;
  proved boolean;
  unfinished tid[];
  kept text;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('cogo_set_day_aside', 0)) then
    return null;
  end if;
  for child in
    select c.oid::regclass as name, c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'public.agent_messages'::regclass and c.relname ~ '^agent_messages_[0-9]{8}$'
      and (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' < clock_timestamp() - p_after
    order by c.relname
  loop
    continue when cardinality(public.cogo_unfinished_rows(child.name, most + 1)) > most;
    day := to_date(right(child.relname, 8), 'YYYYMMDD');
    proof := child.relname || '_day';
    select k.convalidated into proved from pg_constraint k where k.conrelid = child.name and k.conname = proof;
    begin
      if not found then
        execute format('alter table %s add constraint %I check (created_at >= %L and created_at < %L) not valid',
          child.name, proof, day at time zone 'utc', (day + interval '1 day') at time zone 'utc');
        return child.relname || ': constraint';
      elsif not proved then
        execute format('alter table %s validate constraint %I', child.name, proof);
        return child.relname || ': proved';
      end if;

      -- Nobody reads or writes the day from here on, and what was committed before is seen.
      lock table only public.agent_messages, public.agent_messages_default in access exclusive mode;
      execute format('lock table %s in access exclusive mode', child.name);
      unfinished := public.cogo_unfinished_rows(child.name, most + 1);
      continue when cardinality(unfinished) > most;
      execute format('alter table public.agent_messages detach partition %s', child.name);
      if unfinished <> '{}' then
        perform set_config('cogo.bell', 'off', true);
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into kept from pg_attribute a
          where a.attrelid = 'public.agent_messages'::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';
        execute format('insert into public.agent_messages (%s) overriding system value select %s from %s where ctid = any ($1)', kept, kept, child.name)
          using unfinished;
        execute format('delete from %s where ctid = any ($1)', child.name) using unfinished;
      end if;
      execute format('alter table public.agent_messages_past attach partition %s for values from (%L) to (%L)',
        child.name, day at time zone 'utc', (day + interval '1 day') at time zone 'utc');
      -- What only claims read.
      for kept in
        select i.indexrelid::regclass::text from pg_index i
        where i.indrelid = child.name and not exists (select 1 from pg_inherits h where h.inhrelid = i.indexrelid)
      loop
        execute format('drop index %s', kept);
      end loop;
      return child.relname || ': set aside';
    exception when lock_not_available then
      return null;
    end;
  end loop;
  return null;
end $$;

-- Drops the daily partitions of messages and events whose day ended more than `keep` ago, when nothing in them waits or
-- runs. The lock it needs keeps others waiting, so it waits for it 200 ms at most and leaves the rest to the next time.
-- Returns the names of what was dropped. What was taken over of old days, and has finished since, goes too.
create or replace function public.cogo_drop_old_partitions(keep interval) returns setof text
language plpgsql set lock_timeout = '200ms' as $$
declare
  child record;
  unfinished tid[];
begin
  for child in
    select c.oid::regclass as name, c.relname, p.relname as parent
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
    where i.inhparent in ('public.agent_messages'::regclass, 'public.agent_messages_past'::regclass, 'public.bus_events'::regclass)
      and c.relname ~ '_[0-9]{8}$'
      and (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'utc' < clock_timestamp() - keep
    order by c.relname
  loop
    continue when child.parent = 'agent_messages' and cardinality(public.cogo_unfinished_rows(child.name, 1)) > 0;
    begin
      execute format('drop table %s', child.name);
    exception when lock_not_available then
      return;
    end;
    return next child.relname;
  end loop;

  if exists (select 1 from public.agent_messages_default d where d.created_at < clock_timestamp() - keep) then
    unfinished := public.cogo_unfinished_rows('public.agent_messages_default', 1000001);
    if cardinality(unfinished) <= 1000000 then
      delete from public.agent_messages_default d where d.created_at < clock_timestamp() - keep
        and not exists (select 1 from unnest(unfinished) u where u = d.ctid);
    end if;
  end if;
  delete from public.job_results r where r.finished_at < clock_timestamp() - keep;
  delete from public.job_progress p where p.updated_at < clock_timestamp() - keep
    and not exists (select 1 from public.bus_deferred d where d.message_id = p.job_id);
end $$;

-- When a message that was held back might first be delivered, also when its day was set aside meanwhile; null for others.
create or replace function public.cogo_held_back_until(p_trace text, p_id bigint, p_created timestamptz) returns timestamptz
language plpgsql stable as $$
declare
  until_then timestamptz;
begin
  select m.not_before into until_then from public.agent_messages m
    where m.trace_id = p_trace and m.id = p_id and m.created_at = p_created;
  if not found then
    select m.not_before into until_then from public.agent_messages_past m
      where m.trace_id = p_trace and m.id = p_id and m.created_at = p_created;
  end if;
  return until_then;
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
from public.agent_messages_all m
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

-- Cancels a job. Waiting: it ends now. Running: its worker is told, and it ends when the handler does. Returns
-- 'cancelled', 'requested', 'finished' or 'unknown'.
create or replace function public.cancel_job(id bigint, reason text default 'Cancelled on request.') returns text
language plpgsql as $$
declare
  d public.bus_deferred;
  job_lane bigint;
begin
  select m.lane into job_lane from public.agent_messages_all m where m.service = 'jobs' and m.id = cancel_job.id;
  if not found then
    select w.lane into job_lane from public.bus_deferred w where w.message_id = cancel_job.id and w.service = 'jobs';
    if not found then
      return 'unknown';
    end if;
  end if;
  delete from public.bus_deferred w where w.message_id = cancel_job.id and w.claim_id is null returning w.* into d;
  if found then
    delete from public.job_waits w where w.job_id = cancel_job.id;
    perform public.cogo_bury(d, 'cancelled', reason, 'invalid', null);
    return 'cancelled';
  end if;
  if (select j.status from public.jobs j where j.id = cancel_job.id) in ('succeeded', 'failed', 'cancelled') then
    return 'finished';
  end if;
  insert into public.job_cancellations (job_id, lane, reason) values (cancel_job.id, job_lane, cancel_job.reason)
    on conflict (job_id) do nothing;
  perform pg_notify('cogo_bus', public.cogo_lane('cogo', 'cancellations', '0')::text);
  return 'requested';
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
    delete from public.agent_messages_past m where m.service = 'jobs' and m.id = any (old);
  end if;
  return query select p.status, count(*) from cogo_purged p group by p.status order by p.status;
  drop table cogo_purged;
end $$;
