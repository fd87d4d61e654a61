-- Jobs. Safe to apply by hand, and to apply again.
-- A job is a message on the route jobs/<queue>/<executor, or 0>, with {"type", "payload", …} as its payload: claims, acks,
-- fences, leases, retries, keys and dead letters are the bus's. What stands here is what jobs need beyond it. Nothing
-- here is written for an ordinary job that succeeds without a result.

-- Jobs by age, newest first, for those who look; and the claim that an ordinary job is in.
create index if not exists agent_messages_jobs on public.agent_messages (id) where service = 'jobs';
create index if not exists bus_claims_cursor on public.bus_claims (lane, last_xid, last_id) where ids <> '{}';
create index if not exists dead_letters_message on public.dead_letters (message_id);
create index if not exists bus_deferred_turn on public.bus_deferred (lane, ready_at) where claim_id is null and service = 'jobs';

-- What a job left, when it left something or took the cold path. One row a job, written under its fence.
create table if not exists public.job_results (
  job_id      bigint primary key,
  claim_id    bigint      not null,
  attempt     int         not null,
  worker_id   text        not null,
  result      jsonb,
  started_at  timestamptz not null,
  finished_at timestamptz not null default clock_timestamp()
);
create index if not exists job_results_finished on public.job_results (finished_at);

create table if not exists public.job_progress (
  job_id     bigint primary key,
  claim_id   bigint      not null,
  fraction   double precision not null check (fraction between 0 and 1),
  message    text,
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

-- Jobs that stand aside: no worker that asked knows their type, or their concurrency key is in use. Their rows wait in
-- bus_deferred for ever, until a claim finds that they can go.
create table if not exists public.job_waits (
  job_id            bigint primary key,
  lane              bigint      not null,
  reason            text        not null check (reason in ('type', 'concurrency')),
  type              text        not null,
  concurrency_key   text,
  concurrency_limit int,
  since             timestamptz not null default clock_timestamp()
);
create index if not exists job_waits_lane on public.job_waits (lane, reason);

-- Who may run under a concurrency key. A permit counts as long as its claim holds the job, so that a worker that died
-- holds none.
create table if not exists public.job_permits (
  key      text        not null,
  job_id   bigint      not null,
  claim_id bigint      not null,
  taken_at timestamptz not null default clock_timestamp(),
  primary key (key, job_id)
);

-- Asked to be cancelled and not ended yet.
create table if not exists public.job_cancellations (
  job_id       bigint primary key,
  lane         bigint      not null,
  reason       text        not null,
  requested_at timestamptz not null default clock_timestamp()
);
create index if not exists job_cancellations_lane on public.job_cancellations (lane);

-- Queues that somebody paused, and why.
create table if not exists public.job_queues (
  queue     text primary key check (public.cogo_is_route_part(queue)),
  paused_at timestamptz,
  reason    text
);

-- Up to where a tenant's jobs have their turn, in the virtual time of a lane.
create table if not exists public.job_turns (
  lane   bigint      not null,
  tenant text        not null,
  finish timestamptz not null,
  primary key (lane, tenant)
);

-- One row a worker: what it is and what it can do.
create table if not exists public.worker_devices (
  worker_id     text primary key,
  executor_id   text,
  queues        text[]      not null default '{}',
  types         text[]      not null default '{}',
  host          text        not null,
  pid           int         not null,
  os            text        not null,
  processors    int         not null,
  memory_bytes  bigint      not null,
  version       text        not null,
  registered_at timestamptz not null default clock_timestamp()
);

-- Jobs that recur.
create table if not exists public.job_schedules (
  name         text primary key check (length(name) between 1 and 100),
  cron         text        not null,
  type         text        not null,
  queue        text        not null default 'default' check (public.cogo_is_route_part(queue)),
  payload      jsonb       not null default '{}',
  priority     smallint    not null default 0 check (priority between -100 and 100),
  max_attempts smallint    not null default 5 check (max_attempts between 1 and 1000),
  tenant       text,
  next_run_at  timestamptz not null,
  last_run_at  timestamptz,
  created_at   timestamptz not null default clock_timestamp()
);

-- Who does what only one may do. `term` rises with each change of the holder.
create table if not exists public.leaders (
  name        text primary key,
  holder      text        not null,
  term        bigint      not null,
  lease_until timestamptz not null
);

-- Takes, renews or is refused a leadership. Returns the term; null when another holds it.
create or replace function public.cogo_lead(p_name text, p_holder text, p_lease interval) returns bigint
language sql volatile as $$
  insert into public.leaders as l (name, holder, term, lease_until) values (p_name, p_holder, 1, clock_timestamp() + p_lease)
  on conflict (name) do update
    set holder = excluded.holder, lease_until = excluded.lease_until,
      term = case when l.holder = excluded.holder then l.term else l.term + 1 end
    where l.holder = excluded.holder or l.lease_until < clock_timestamp()
  returning term
$$;

-- Whether a type is among names and families: http.get, browser.*, *.
create or replace function public.cogo_knows_type(p_type text, p_known text[]) returns boolean
language sql immutable parallel safe as $$
  select p_type = any (p_known)
    or exists (select 1 from unnest(p_known) k where k = '*' or (k like '%.*' and starts_with(p_type, left(k, -1))))
$$;

-- Whether a claim holds a job now.
create or replace function public.cogo_claim_holds(p_claim bigint, p_job bigint) returns boolean
language sql stable as $$
  select exists (
    select 1 from public.bus_claims c
    where c.claim_id = p_claim and c.revoked_at is null
      and not exists (select 1 from public.bus_acks a where a.claim_id = p_claim and p_job = any (a.ids)))
$$;

-- A permit for a job under its concurrency key; false when the key is in use. Permits of one key are serialised.
create or replace function public.cogo_take_permit(p_key text, p_limit int, p_job bigint, p_claim bigint) returns boolean
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_key, 20030));
  delete from public.job_permits p where p.key = p_key and not public.cogo_claim_holds(p.claim_id, p.job_id);
  if (select count(*) from public.job_permits p where p.key = p_key and p.job_id <> p_job) >= p_limit then
    return false;
  end if;
  insert into public.job_permits (key, job_id, claim_id) values (p_key, p_job, p_claim)
    on conflict (key, job_id) do update set claim_id = excluded.claim_id, taken_at = clock_timestamp();
  return true;
end $$;

-- Lets jobs go that stood aside and can run now: their type is known to the caller, their key has room.
create or replace function public.cogo_admit_waiting(p_lane bigint, p_types text[], p_limit int) returns void
language plpgsql as $$
declare
  free int;
  one record;
  go bigint[];
begin
  go := array(
    select w.job_id from public.job_waits w
    where w.lane = p_lane and w.reason = 'type' and public.cogo_knows_type(w.type, p_types)
    order by w.job_id limit p_limit);
  for one in
    select w.concurrency_key as key, max(w.concurrency_limit) as most from public.job_waits w
    where w.lane = p_lane and w.reason = 'concurrency' and public.cogo_knows_type(w.type, p_types) group by 1 order by 1
  loop
    free := one.most - (select count(*) from public.job_permits p where p.key = one.key and public.cogo_claim_holds(p.claim_id, p.job_id));
    if free > 0 then
      go := go || array(
        select w.job_id from public.job_waits w join public.bus_deferred d on d.message_id = w.job_id
        where w.lane = p_lane and w.concurrency_key = one.key and w.reason = 'concurrency'
        order by d.priority desc, w.since, w.job_id limit free);
    end if;
  end loop;
  if cardinality(go) > 0 then
    delete from public.job_waits w where w.job_id = any (go);
    update public.bus_deferred d set ready_at = d.created_at where d.message_id = any (go) and d.claim_id is null;
  end if;
end $$;

-- Gives tenants their turns: start-time fair queueing. A job's turn is a moment of virtual time before the year 2020,
-- one millisecond after the turn of its tenant's job before it, and never before the turn that is due next; jobs of one
-- priority go in the order of their turns. Without tenants on the lane it does nothing.
create or replace function public.cogo_give_turns(p_lane bigint) returns void
language plpgsql as $$
declare
  real_time constant timestamptz := '2020-01-01 00:00+00';
  due timestamptz;
begin
  if not exists (
    select 1 from public.bus_deferred d
    where d.lane = p_lane and d.claim_id is null and d.service = 'jobs' and d.ready_at >= real_time and d.ready_at <= clock_timestamp()
      and (d.tenant is not null or exists (select 1 from public.job_turns t where t.lane = p_lane)))
  then
    return;
  end if;

  select min(d.ready_at) into due from public.bus_deferred d
    where d.lane = p_lane and d.claim_id is null and d.service = 'jobs' and d.ready_at < real_time;
  if due is null then
    delete from public.job_turns t where t.lane = p_lane;
    due := '2000-01-01 00:00+00';
  end if;

  with arrived as (
    select d.message_id, coalesce(d.tenant, '') as tenant,
      row_number() over (partition by coalesce(d.tenant, '') order by d.ready_at, d.message_id) as place
    from (
      select * from public.bus_deferred d
      where d.lane = p_lane and d.claim_id is null and d.service = 'jobs' and d.ready_at >= real_time and d.ready_at <= clock_timestamp()
      order by d.ready_at limit 5000) d
  ), turns as (
    select a.message_id, a.tenant,
      greatest(due, coalesce(t.finish, due)) + (a.place - 1) * interval '1 millisecond' as turn
    from arrived a left join public.job_turns t on t.lane = p_lane and t.tenant = a.tenant
  ), given as (
    insert into public.job_turns (lane, tenant, finish)
    select p_lane, tenant, max(turn) + interval '1 millisecond' from turns group by tenant
    on conflict (lane, tenant) do update set finish = excluded.finish
  )
  update public.bus_deferred d set ready_at = turns.turn from turns where d.message_id = turns.message_id;
end $$;

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

-- Cancels a job. Waiting: it ends now. Running: its worker is told, and it ends when the handler does. Returns
-- 'cancelled', 'requested', 'finished' or 'unknown'.
create or replace function public.cancel_job(id bigint, reason text default 'Cancelled on request.') returns text
language plpgsql as $$
declare
  d public.bus_deferred;
  job_lane bigint;
begin
  select m.lane into job_lane from public.agent_messages m where m.service = 'jobs' and m.id = cancel_job.id;
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

create or replace function public.pause_queue(queue text, reason text default null) returns void
language sql volatile as $$
  insert into public.job_queues as q (queue, paused_at, reason) values (pause_queue.queue, clock_timestamp(), pause_queue.reason)
  on conflict (queue) do update set paused_at = coalesce(q.paused_at, excluded.paused_at), reason = excluded.reason
$$;

create or replace function public.resume_queue(queue text) returns void
language plpgsql as $$
begin
  update public.job_queues q set paused_at = null, reason = null where q.queue = resume_queue.queue;
  perform pg_notify('cogo_bus', '*');
end $$;
