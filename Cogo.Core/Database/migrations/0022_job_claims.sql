-- Claims put jobs that cannot run here aside all at once, and calls that cannot be right say so. Safe to apply by hand, and
-- to apply again.

-- The waiting jobs of a type, in the order they go; and which types wait at all.
alter table public.job_waits add column if not exists priority smallint not null default 0;
create index if not exists job_waits_type on public.job_waits (lane, reason, type, priority desc, job_id);
drop index if exists public.job_waits_lane;

-- Writes down why a job stands aside. The caller has ended its attempt, in this transaction.
create or replace function public.cogo_wait(p_job bigint, p_reason text, p_type text, p_key text, p_most int) returns void
language sql volatile as $$
  insert into public.job_waits (job_id, lane, reason, type, concurrency_key, concurrency_limit, priority)
  select p_job, d.lane, p_reason, p_type, p_key, p_most, d.priority from public.bus_deferred d where d.message_id = p_job
  on conflict (job_id) do update set reason = excluded.reason, since = excluded.since
$$;

-- Which of the types that wait on a lane are among `p_types`: from type to type along the index, however many jobs wait.
create or replace function public.cogo_waiting_types(p_lane bigint, p_reason text, p_types text[]) returns text[]
language sql stable set enable_seqscan = off as $$
  with recursive waiting (type) as (
    (select w.type from public.job_waits w where w.lane = p_lane and w.reason = p_reason order by w.type limit 1)
    union all
    select (select w.type from public.job_waits w where w.lane = p_lane and w.reason = p_reason and w.type > t.type order by w.type limit 1)
    from waiting t where t.type is not null)
  select array(select t.type from waiting t where t.type is not null and public.cogo_knows_type(t.type, p_types))
$$;

-- Lets jobs go that stood aside and can run now: their type is known to the caller, their key has room.
create or replace function public.cogo_admit_waiting(p_lane bigint, p_types text[], p_limit int) returns void
language plpgsql set enable_seqscan = off as $$
declare
  known text[] := public.cogo_waiting_types(p_lane, 'type', p_types);
  free int;
  one record;
  go bigint[] := '{}';
begin
  if known <> '{}' then
    go := array(
      select w.job_id from unnest(known) t cross join lateral (
        select w.job_id, w.priority from public.job_waits w
        where w.lane = p_lane and w.reason = 'type' and w.type = t order by w.priority desc, w.job_id limit p_limit) w
      order by w.priority desc, w.job_id limit p_limit);
  end if;
  known := public.cogo_waiting_types(p_lane, 'concurrency', p_types);
  if known <> '{}' then
    for one in
      select w.concurrency_key as key, max(w.concurrency_limit) as most from public.job_waits w
      where w.lane = p_lane and w.reason = 'concurrency' and w.type = any (known) group by 1 order by 1
    loop
      free := one.most - (select count(*) from public.job_permits p where p.key = one.key and public.cogo_claim_holds(p.claim_id, p.job_id));
      if free > 0 then
        go := go || array(
          select w.job_id from public.job_waits w join public.bus_deferred d on d.message_id = w.job_id
          where w.lane = p_lane and w.concurrency_key = one.key and w.reason = 'concurrency' and w.type = any (known)
          order by d.priority desc, w.since, w.job_id limit free);
      end if;
    end loop;
  end if;
  if go <> '{}' then
    delete from public.job_waits w where w.job_id = any (go);
    update public.bus_deferred d set ready_at = d.created_at where d.message_id = any (go) and d.claim_id is null;
  end if;
end $$;

-- The type of a job by its payload as text; null when the message is no job. "type" is jsonb's first key, unless somebody
-- wrote shorter ones by hand: payloads may be large, so they are not parsed for it.
create or replace function public.cogo_job_type(p_payload text) returns text
language sql immutable parallel safe as $$
  select case
    when starts_with(p_payload, '{"type": "') then split_part(left(p_payload, 200), '"', 4)
    when jsonb_typeof(p_payload::jsonb -> 'type') = 'string' then p_payload::jsonb ->> 'type'
  end
$$;

-- Takes jobs out of a claim that was made in this transaction, so that it never held them: those with a row in `p_waits`
-- stand aside, the others wait for their turn as before. `p_jobs` says when each is ready: at its creation means as before.
create or replace function public.cogo_take_out(p_claim bigint, p_jobs public.bus_deferred[], p_waits public.job_waits[]) returns void
language plpgsql set enable_seqscan = off as $$
begin
  update public.bus_claims c set
    ids = array(select i from unnest(c.ids) with ordinality u (i, place)
      where not exists (select 1 from unnest(p_jobs) j where j.message_id = i) order by place),
    deferred = array(select i from unnest(c.deferred) with ordinality u (i, place)
      where not exists (select 1 from unnest(p_jobs) j where j.message_id = i) order by place)
    where c.claim_id = p_claim;
  insert into public.bus_deferred as d select * from unnest(p_jobs)
    on conflict (message_id) do update set claim_id = null, attempt = excluded.attempt,
      ready_at = case when excluded.ready_at = excluded.created_at then d.ready_at else excluded.ready_at end;
  insert into public.job_waits select * from unnest(p_waits)
    on conflict (job_id) do update set reason = excluded.reason, since = excluded.since;
end $$;

-- Claims jobs: cogo_claim, with the queue's pause, jobs that stood aside, tenants' turns and cancellations seen to. Jobs of
-- a type that is not among `p_types` are put aside on the way, a hundred at a time. After a second of that the call answers
-- nothing, although more may wait; the next one goes on from there.
-- `p_types` null: those that the session's worker has registered, and what is no job or finds its concurrency key in use
-- is the worker's to see. Otherwise it is seen to here: the claim is for one who runs what it is given.
create or replace function public.cogo_claim_jobs(p_lane bigint, p_queue text, p_session bigint, p_limit int, p_types text[] default null)
returns table (fence bigint, message_id bigint, service text, role text, shard text, tenant text, payload text, trace_id text,
  trace_parent text, idempotency_key text, priority smallint, attempt smallint, max_attempts smallint,
  expires_at timestamptz, created_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  started constant timestamptz := clock_timestamp();
  for_ever constant timestamptz := started + interval '1000 years';
  known text[] := p_types;
  wishes boolean;
  plain boolean;
  why text;
  most int := p_limit;
  seen int;
  bytes bigint;
  given int := 0;
  claim bigint;
  kind text;
  ours text[] := '{}';
  foreign_types text[] := '{}';
  key text;
  in_use text[] := '{}';
  wait text;
  out_jobs public.bus_deferred[];
  out_waits public.job_waits[];
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
  if known is null then
    -- Not when another process registered under the same name: what this one knows is then for its handler to say.
    select d.types into known from public.worker_devices d join public.bus_sessions s using (worker_id)
      where s.session_id = p_session and d.pid = s.pid;
  end if;
  wishes := exists (select 1 from public.job_cancellations c where c.lane = p_lane);
  plain := p_types is null and not wishes;
  -- As long as no job of an unknown type waits here, none is looked for: looking at each costs a tenth of the throughput,
  -- and the worker puts the first ones aside itself.
  if plain and (known is null or '*' = any (known)
    or not exists (select 1 from public.job_waits w where w.lane = p_lane and w.reason = 'type'))
  then
    return query select * from public.cogo_claim(p_lane, p_session, p_limit);
    return;
  end if;
  if wishes then
    -- Wishes that came too late, or the lane would be claimed row by row for ever.
    delete from public.job_cancellations c where c.lane = p_lane and c.requested_at < clock_timestamp() - interval '10 seconds'
      and not exists (select 1 from public.jobs j where j.id = c.job_id and j.status not in ('succeeded', 'failed', 'cancelled'));
  end if;

  loop
    seen := 0;
    bytes := 0;
    out_jobs := '{}';
    out_waits := '{}';
    for fence, message_id, service, role, shard, tenant, payload, trace_id, trace_parent, idempotency_key, priority, attempt,
      max_attempts, expires_at, created_at in select * from public.cogo_claim(p_lane, p_session, most)
    loop
      seen := seen + 1;
      kind := public.cogo_job_type(payload);
      -- The usual case, in few steps: claims take hundreds of jobs.
      if plain and kind = any (ours) and given < p_limit then
        given := given + 1;
        return next;
        continue;
      end if;
      claim := fence;
      bytes := bytes + octet_length(payload);
      wait := null;
      key := null;
      if wishes then
        delete from public.job_cancellations c where c.job_id = message_id returning c.reason into why;
        if found then
          perform public.cogo_fail(p_session, fence, message_id, 'cancelled', why, 'invalid', null);
          continue;
        end if;
      end if;

      if p_types is not null then
        key := payload::jsonb ->> 'concurrency_key';
        if kind is null or length(key) > 300 then
          perform public.cogo_fail(p_session, fence, message_id, 'malformed_job',
            'The message is no job: it needs a "type" and a "payload". Insert into public.jobs instead of agent_messages.', 'invalid', null);
          continue;
        end if;
      end if;
      -- Each type is looked at once.
      if kind <> all (ours) and kind <> all (foreign_types) and known is not null then
        if public.cogo_knows_type(kind, known) then
          ours := ours || kind;
        else
          foreign_types := foreign_types || kind;
        end if;
      end if;

      if kind = any (foreign_types) then
        wait := 'type';
      elsif given < p_limit then
        if key = any (in_use) then
          wait := 'concurrency';
        elsif key is not null
          and not public.cogo_take_permit(key, coalesce(public.cogo_concurrency_limit(payload::jsonb), 1), message_id, fence)
        then
          wait := 'concurrency';
          in_use := in_use || key;
        else
          given := given + 1;
          return next;
          continue;
        end if;
      end if;

      out_jobs := array_append(out_jobs, row(message_id, p_lane, service, role, shard, tenant, payload::jsonb, trace_id, trace_parent,
        idempotency_key, priority, attempt - 1, max_attempts, case when wait is null then created_at else for_ever end,
        expires_at, created_at, null)::public.bus_deferred);
      if wait is not null then
        out_waits := array_append(out_waits, row(message_id, p_lane, wait, kind, key,
          coalesce(public.cogo_concurrency_limit(payload::jsonb), 1), clock_timestamp(), priority)::public.job_waits);
      end if;
    end loop;

    if cardinality(out_jobs) > 0 then
      perform public.cogo_take_out(claim, out_jobs, out_waits);
    end if;
    exit when given > 0 or seen = 0 or clock_timestamp() > started + interval '1 second';
    -- More at once, unless they are large: all of a claim is in memory, and a payload may have 5 MiB.
    most := greatest(p_limit, case when bytes > 8 * 1024 * 1024 then most / 4 else least(2 * most, 100) end);
  end loop;
end $$;

-- The next job of the first queue that has one, or no row. Commit before running it: the queue is locked until then.
-- A call that met thousands of jobs of other types may answer no row although one is behind them; the next one goes on.
--   select * from claim_one_job('python-1', types => '{report.*}')
create or replace function public.claim_one_job(worker_id text, queues text[] default '{default}', types text[] default '{*}',
  lease interval default '30 seconds', executor_id text default null)
returns table (id bigint, fence bigint, type text, queue text, payload jsonb, attempt int, max_attempts int, tenant text,
  trace_id text, lease_until timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  started constant timestamptz := clock_timestamp();
  session bigint;
  until timestamptz;
  at_queue text;
  at_shard text;
  job record;
  body jsonb;
begin
  if coalesce(claim_one_job.worker_id, '') = '' then
    raise check_violation using message = 'worker_id is missing: give each worker a name of its own.';
  end if;
  perform public.cogo_check_lease(claim_one_job.lease);
  if coalesce(cardinality(claim_one_job.queues), 0) = 0 or array_position(claim_one_job.queues, null) is not null then
    raise check_violation using message = 'queues is null or empty, or holds a null: name at least one queue, such as ''{default}''.';
  end if;
  if coalesce(cardinality(claim_one_job.types), 0) = 0 or array_position(claim_one_job.types, null) is not null then
    raise check_violation using message = 'types is null or empty, or holds a null: name at least one type or family, such as ''{report.*}'', or ''{*}'' for all.';
  end if;
  if exists (select 1 from public.bus_sessions s where s.ended_at is null and s.lease_until < clock_timestamp()) then
    perform public.cogo_reap();
  end if;
  insert into public.bus_sessions (worker_id, host, pid, pid_started, lease_until, floor_claim)
    values (claim_one_job.worker_id, 'sql', pg_backend_pid(), 0, clock_timestamp() + claim_one_job.lease,
      coalesce((select max(c.claim_id) from public.bus_claims c), 0))
    returning session_id into session;

  <<lanes>>
  foreach at_queue in array claim_one_job.queues loop
    foreach at_shard in array array_remove(array[claim_one_job.executor_id, '0'], null) loop
      select * into job from public.cogo_claim_jobs(
        public.cogo_lane('jobs', at_queue, at_shard), at_queue, session, 1, claim_one_job.types);
      if found then
        body := job.payload::jsonb;
        -- From now: what stood in the way may have taken a while.
        until := clock_timestamp() + claim_one_job.lease;
        update public.bus_sessions s set lease_until = until, seen_at = clock_timestamp() where s.session_id = session;
        return query select job.message_id, job.fence, body ->> 'type', job.role, coalesce(body -> 'payload', '{}'::jsonb), job.attempt::int,
          job.max_attempts::int, job.tenant, job.trace_id, until;
        return;
      end if;
      exit lanes when clock_timestamp() > started + interval '2 seconds';
    end loop;
  end loop;
  delete from public.bus_sessions s where s.session_id = session;
end $$;

drop function if exists public.cogo_stand_aside(bigint, bigint, bigint, jsonb, text[]);

-- Refuses a lease that is none.
create or replace function public.cogo_check_lease(p_lease interval) returns void
language plpgsql stable as $$
begin
  if (p_lease between interval '1 second' and interval '1 day') is not true then
    raise check_violation using message = format('lease is %s: use 1 second to 1 day, and renew_job meanwhile.', coalesce(p_lease::text, 'null'));
  end if;
end $$;

-- Holds the job for `lease` from now. Also says, by `cancel`, whether somebody asked for its end.
create or replace function public.renew_job(id bigint, fence bigint, lease interval default '30 seconds',
  out held boolean, out cancel boolean)
language plpgsql as $$
begin
  perform public.cogo_check_lease(renew_job.lease);
  update public.bus_sessions s set seen_at = clock_timestamp(), lease_until = clock_timestamp() + renew_job.lease
    where s.session_id = public.cogo_session_of(renew_job.fence, renew_job.id) and s.ended_at is null and s.host = 'sql';
  held := found;
  cancel := exists (select 1 from public.job_cancellations c where c.job_id = renew_job.id);
end $$;

create or replace function public.report_progress(id bigint, fence bigint, fraction double precision, message text default null) returns boolean
language plpgsql as $$
begin
  if (report_progress.fraction between 0 and 1) is not true then
    raise check_violation using message = format('fraction is %s: use 0 to 1.', coalesce(report_progress.fraction::text, 'null'));
  end if;
  if public.cogo_session_of(report_progress.fence, report_progress.id) is null then
    return false;
  end if;
  insert into public.job_progress (job_id, claim_id, fraction, message)
    values (report_progress.id, report_progress.fence, report_progress.fraction, report_progress.message)
    on conflict (job_id) do update set claim_id = excluded.claim_id, fraction = excluded.fraction, message = excluded.message, updated_at = excluded.updated_at;
  return true;
end $$;

create or replace function public.pause_queue(queue text, reason text default null) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  if public.cogo_is_route_part(pause_queue.queue) is not true then
    raise check_violation using message = format('%s cannot be the name of a queue: use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.', coalesce(quote_literal(pause_queue.queue), 'null'));
  end if;
  insert into public.job_queues as q (queue, paused_at, reason) values (pause_queue.queue, clock_timestamp(), pause_queue.reason)
  on conflict (queue) do update set paused_at = coalesce(q.paused_at, excluded.paused_at), reason = excluded.reason;
end $$;

-- Where the idempotency keys of a route are kept: those of jobs by queue, whoever may run them; others by route.
create or replace function public.cogo_key_lane(service text, role text, shard text) returns bigint
language sql immutable parallel safe as $$
  select public.cogo_lane(service, role, case when service = 'jobs' then '0' else shard end)
$$;

-- Keys of jobs that name an executor, which were kept by route: known in their queue from here on.
insert into public.bus_keys (lane, key, message_id, trace_id, payload, created_at)
  select * from (
    select public.cogo_lane('jobs', m.role, '0'), k.key, k.message_id, k.trace_id, k.payload, k.created_at
    from public.bus_keys k join public.agent_messages_all m on m.id = k.message_id and m.service = 'jobs' and m.shard <> '0'
    where k.lane = public.cogo_lane('jobs', m.role, m.shard)
    union
    select public.cogo_lane('jobs', l.role, '0'), k.key, k.message_id, k.trace_id, k.payload, k.created_at
    from public.dead_letters l join public.bus_keys k on k.lane = public.cogo_lane('jobs', l.role, l.shard) and k.key = 'dlq:' || l.message_id
    where l.service = 'jobs' and l.shard <> '0') moved
  order by 3
  on conflict (lane, key) do nothing;
-- Moves special messages that are visible in `upto` from the append-only table into bus_deferred, at most p_limit, after
-- those that a cursor says were moved. The second message with an idempotency key is left behind, with an audit event.
-- Gives back the cursor's new columns, and how many rows it saw.
create or replace function public.cogo_move_special(p_lane bigint, p_limit int, upto pg_snapshot,
  inout special pg_snapshot, inout special_xid xid8, inout special_id bigint, out moved int)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_variable
declare
  batch public.agent_messages[] := '{}';
  open_then xid8[] := array(select pg_snapshot_xip(special));
  begun xid8 := special_xid;
  final public.agent_messages;
  duplicates bigint[];
begin
  -- The rest of the transaction in which the last move ended; then it counts as seen.
  if begun <> '0' then
    batch := array(
      select a from public.agent_messages a
      where a.lane = p_lane and a.special and a.xid = begun and a.id > special_id order by a.id limit p_limit);
    if cardinality(batch) < p_limit then
      open_then := array_remove(open_then, begun);
      special := public.cogo_snapshot(
        case when begun < pg_snapshot_xmax(special) then pg_snapshot_xmax(special) else (begun::text::numeric + 1)::text::xid8 end, open_then);
      special_xid := '0';
      special_id := 0;
    end if;
  end if;
  -- Transactions that were open then and have committed since. Usually none.
  if cardinality(batch) < p_limit and cardinality(open_then) > 0 then
    batch := batch || array(
      select a from public.agent_messages a
      where a.lane = p_lane and a.special and a.xid = any (open_then) and pg_visible_in_snapshot(a.xid, upto)
      order by a.xid, a.id limit p_limit - cardinality(batch));
  end if;
  if cardinality(batch) < p_limit then
    batch := batch || array(
      select a from public.agent_messages a
      where a.lane = p_lane and a.special and a.xid >= pg_snapshot_xmax(special) and pg_visible_in_snapshot(a.xid, upto)
      order by a.xid, a.id limit p_limit - cardinality(batch));
  end if;

  moved := cardinality(batch);
  if moved < p_limit then
    special := upto;
  else
    final := batch[moved];
    if final.xid <> special_xid then
      special := case when final.xid < pg_snapshot_xmax(special)
        then public.cogo_snapshot(pg_snapshot_xmax(special), array(
          select x from unnest(open_then) x where x >= final.xid or not pg_visible_in_snapshot(x, upto)))
        else public.cogo_snapshot(final.xid, array(select x from pg_snapshot_xip(upto) x where x < final.xid)) end;
      special_xid := final.xid;
    end if;
    special_id := final.id;
  end if;
  if moved = 0 then
    return;
  end if;

  insert into public.bus_keys (lane, key, message_id, trace_id, payload)
    select public.cogo_key_lane(m.service, m.role, m.shard), m.idempotency_key, m.id, m.trace_id, md5(m.payload::text) from unnest(batch) m
    where m.idempotency_key is not null order by m.idempotency_key, m.id
    on conflict do nothing;
  duplicates := array(
    select m.id from unnest(batch) m
    join public.bus_keys k on k.lane = public.cogo_key_lane(m.service, m.role, m.shard) and k.key = m.idempotency_key
    where k.message_id <> m.id
      -- Enqueued when keys were kept by executor: it was told that it is the first.
      and not exists (select 1 from public.bus_keys o where o.lane = m.lane and o.key = m.idempotency_key and o.message_id = m.id));
  insert into public.bus_events (trace_id, type, message_id, route, data)
    select m.trace_id, 'message_duplicate', m.id, m.service || '/' || m.role || '/' || m.shard,
      jsonb_build_object('idempotency_key', m.idempotency_key)
    from unnest(batch) m where m.id = any (duplicates);

  insert into public.bus_deferred (message_id, lane, service, role, shard, tenant, payload, trace_id, trace_parent,
      idempotency_key, priority, attempt, max_attempts, ready_at, expires_at, created_at)
    select m.id, m.lane, m.service, m.role, m.shard, m.tenant, m.payload, m.trace_id, m.trace_parent,
      m.idempotency_key, m.priority, 0, m.max_attempts, coalesce(m.not_before, m.created_at), m.expires_at, m.created_at
    from unnest(batch) m where m.id <> all (duplicates)
    on conflict (message_id) do nothing;
end $$;

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
  if new.id is not null then
    raise check_violation using message = format('The job''s id is %s: leave it out, the queue gives it.', new.id);
  end if;
  new.id := nextval(pg_get_serial_sequence('public.agent_messages', 'id'));
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
    at_lane := public.cogo_lane('jobs', new.queue, '0');
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

-- Jobs that were given up.
create or replace view public.jobs_dlq as
select l.id, l.message_id as job_id, l.payload ->> 'type' as type, l.role as queue, nullif(l.shard, '0') as executor_id,
  l.payload -> 'payload' as payload, l.code as error_code, l.reason as error, l.attempt::int as attempts, l.max_attempts::int as max_attempts,
  l.priority, l.tenant, l.trace_id, l.message_created_at as job_created_at, l.created_at,
  k.message_id as replayed_as
from public.dead_letters l
left join public.bus_keys k on k.lane = public.cogo_key_lane(l.service, l.role, l.shard) and k.key = 'dlq:' || l.message_id
where l.service = 'jobs' and l.code <> 'cancelled';

-- Puts dead jobs back under their own ids, unless they were replayed. `reset` gives all attempts anew, otherwise one more.
-- Returns their ids.
create or replace function public.retry_failed_jobs(executor_id text default null, type_prefix text default null, "limit" int default 100,
  reset boolean default false, dry_run boolean default false) returns setof bigint
language plpgsql as $$
declare
  l public.dead_letters;
begin
  for l in
    select * from public.dead_letters x
    where x.service = 'jobs' and x.code <> 'cancelled'
      and (retry_failed_jobs.executor_id is null or x.shard = retry_failed_jobs.executor_id)
      and (type_prefix is null or starts_with(x.payload ->> 'type', type_prefix))
      and not exists (select 1 from public.bus_keys k
        where k.lane = public.cogo_key_lane(x.service, x.role, x.shard) and k.key = 'dlq:' || x.message_id)
    order by x.id limit retry_failed_jobs."limit" for update skip locked
  loop
    -- Replayed just now, before its row was locked.
    continue when exists (select 1 from public.bus_keys k
      where k.lane = public.cogo_key_lane(l.service, l.role, l.shard) and k.key = 'dlq:' || l.message_id);
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
    select q.*, x.payload as body from public.jobs_dlq q join public.dead_letters x on x.id = q.id
    where q.replayed_as is null and q.error_code <> 'malformed_job' and (replay_dlq.type_prefix is null or starts_with(q.type, replay_dlq.type_prefix))
    order by q.id limit replay_dlq."limit" for update of x skip locked
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
  now.status,
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
  case when now.status in ('queued', 'retrying') then
    case when exists (select 1 from public.job_queues q where q.queue = m.role and q.paused_at is not null) then 'paused' else wait.reason end
  end as waits_for,
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
  case
    -- What stood aside was claimed before, but not begun.
    when d.attempt = 0 then null
    when d.attempt = 1 and d.claim_id is not null then held.claimed_at
    else coalesce(done.started_at, hot.claimed_at, late.claimed_at, held.claimed_at)
  end as started_at,
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
  where m.idempotency_key is not null and k.lane = public.cogo_lane('jobs', m.role, '0') and k.key = m.idempotency_key and k.message_id <> m.id
    -- Of the time when keys were kept by executor.
    and not exists (select 1 from public.bus_keys o where o.lane = m.lane and o.key = m.idempotency_key and o.message_id = m.id) limit 1
) twin on true
cross join lateral (
  select case
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
  end as status
) now
where m.service = 'jobs';
