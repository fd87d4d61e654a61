-- Claims in few statements, and jobs claimed as they are published. Safe to apply by hand, and to apply again.
-- A statement in a function costs 0.03 ms when a quiet machine's caches are cold; so what a quiet lane's claim asks is one
-- statement, and what needs no statement is an expression.

-- Claims up to p_limit messages of a lane for a session: first those whose time has come, by priority; then the
-- ordinary ones, oldest first; then priorities below 0. Claims of one lane are serialised by an advisory lock of
-- the transaction, so poolers do not matter. An idle call reads a few indexes and writes nothing.
-- SQLSTATE CG001: the session has ended.
create or replace function public.cogo_claim(p_lane bigint, p_session bigint, p_limit int)
returns table (fence bigint, message_id bigint, service text, role text, shard text, tenant text, payload text, trace_id text,
  trace_parent text, idempotency_key text, priority smallint, attempt smallint, max_attempts smallint,
  expires_at timestamptz, created_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare
  -- So many special messages, and so many that ran out of time, are seen to in one claim.
  chores constant int := 5000;
  cur public.bus_claims;
  snap pg_snapshot;
  locked constant text := pg_advisory_xact_lock(p_lane);
  started timestamptz := clock_timestamp();
  seen int;
  moved int := 0;
  room int := p_limit;
  late public.bus_deferred;
  waiting bigint[];
  low bigint[] := '{}';
  hot public.agent_messages[];
  more public.agent_messages[];
  claim bigint;
begin
  -- On a quiet lane, where nothing comes by the cold path, no more is asked than this.
  select pg_current_snapshot(), c.special, c.special_xid, c.special_id, c.prev, c.target, c.last_xid, c.last_id,
      -- No transaction was open when the lane was last claimed from: what is unclaimed lies behind its cursor.
      case when c.special_xid = '0' and pg_snapshot_xmin(c.special) = pg_snapshot_xmax(c.special)
        and pg_snapshot_xmin(c.prev) = pg_snapshot_xmax(c.prev) and pg_snapshot_xmin(c.target) = pg_snapshot_xmax(c.target)
        and not exists (
          select 1 from public.agent_messages m where m.lane = p_lane and m.special
            and m.xid >= pg_snapshot_xmax(c.special) and pg_visible_in_snapshot(m.xid, pg_current_snapshot()))
        and not exists (select 1 from public.bus_deferred d where d.lane = p_lane and d.claim_id is null and d.ready_at <= started)
        and not exists (select 1 from public.bus_deferred d where d.lane = p_lane and d.claim_id is null and d.expires_at <= started)
      then array(
        select m from public.agent_messages m
        where m.lane = p_lane and not m.special and (m.xid, m.id) > (c.last_xid, c.last_id) and pg_visible_in_snapshot(m.xid, pg_current_snapshot())
        order by m.xid, m.id limit p_limit)
      end
    into snap, cur.special, cur.special_xid, cur.special_id, cur.prev, cur.target, cur.last_xid, cur.last_id, hot
    from (
      select coalesce(c.special, '1:1:') as special, coalesce(c.special_xid, '0') as special_xid, coalesce(c.special_id, 0) as special_id,
        coalesce(c.prev, '1:1:') as prev, coalesce(c.target, '1:1:') as target,
        coalesce(c.last_xid, '0') as last_xid, coalesce(c.last_id, 0) as last_id
      from (select) one left join public.cogo_cursor(p_lane) c on true) c;
  if hot = '{}' then
    return;
  end if;
  if hot is not null then
    cur.last_xid := (hot[cardinality(hot)]).xid;
    cur.last_id := (hot[cardinality(hot)]).id;
    if cur.last_xid >= pg_snapshot_xmax(cur.target) then
      -- The window is read out, and the next one begun.
      cur.prev := cur.target;
      cur.target := snap;
    end if;
    insert into public.bus_claims (lane, session_id, ids, deferred, first_xid, special, special_xid, special_id, prev, target, last_xid, last_id)
      select p_lane, p_session, array(select m.id from unnest(hot) m), '{}', (hot[1]).xid, snap, '0', cur.special_id, cur.prev, cur.target, cur.last_xid, cur.last_id
      -- Held until commit: whoever ends this session waits for it, and then sees this claim.
      from (select 1 from public.bus_sessions s where s.session_id = p_session and s.ended_at is null for key share) living
      returning claim_id into claim;
    if not found then
      raise exception 'Session % has ended: its lease was taken.', p_session using errcode = 'CG001';
    end if;
    return query
      select claim, m.id, m.service, m.role, m.shard, m.tenant, m.payload::text, m.trace_id, m.trace_parent,
        m.idempotency_key, m.priority, 1::smallint, m.max_attempts, m.expires_at, m.created_at
      from unnest(hot) m;
    return;
  end if;

  -- As many of the special ones as are there, or as fill this claim, or as half a second allows.
  loop
    select m.special, m.special_xid, m.special_id, m.moved into cur.special, cur.special_xid, cur.special_id, seen
      from public.cogo_move_special(p_lane, chores, snap, cur.special, cur.special_xid, cur.special_id) m;
    moved := moved + seen;
    -- What ran out of time is given up, with its reason.
    for late in
      delete from public.bus_deferred d where d.message_id = any (array(
        select o.message_id from public.bus_deferred o
        where o.lane = p_lane and o.claim_id is null and o.expires_at <= started order by o.expires_at limit chores))
      returning d.*
    loop
      perform public.cogo_bury(late, 'expired', format('Not delivered by %s, when it expired.', late.expires_at), 'infrastructure', null);
    end loop;
    waiting := public.cogo_due(p_lane, false, started, room);
    exit when seen < chores or cardinality(waiting) = room or clock_timestamp() > started + interval '500 milliseconds';
  end loop;
  room := room - cardinality(waiting);

  hot := public.cogo_read_window(p_lane, cur.prev, cur.target, cur.last_xid, cur.last_id, room);
  room := room - cardinality(hot);
  if cardinality(hot) > 0 then
    cur.last_xid := (hot[cardinality(hot)]).xid;
    cur.last_id := (hot[cardinality(hot)]).id;
  end if;
  if room > 0 then
    -- The window is read out: open the next one, up to now.
    more := public.cogo_read_window(p_lane, cur.target, snap, '0', 0, room);
    if cardinality(more) > 0 then
      cur.prev := cur.target;
      cur.target := snap;
      cur.last_xid := (more[cardinality(more)]).xid;
      cur.last_id := (more[cardinality(more)]).id;
      hot := hot || more;
      room := room - cardinality(more);
    end if;
  end if;

  if room > 0 then
    low := public.cogo_due(p_lane, true, started, room);
  end if;

  if moved = 0 and cardinality(waiting) = 0 and cardinality(hot) = 0 and cardinality(low) = 0 then
    return;
  end if;

  -- Held until commit: whoever ends this session waits for it, and then sees this claim.
  perform 1 from public.bus_sessions s where s.session_id = p_session and s.ended_at is null for key share;
  if not found then
    raise exception 'Session % has ended: its lease was taken.', p_session using errcode = 'CG001';
  end if;

  insert into public.bus_claims (lane, session_id, ids, deferred, first_xid, special, special_xid, special_id, prev, target, last_xid, last_id)
  values (p_lane, p_session, array(select m.id from unnest(hot) m), waiting || low,
    coalesce((select m.xid from unnest(hot) m order by m.xid limit 1), '0'),
    cur.special, cur.special_xid, cur.special_id, cur.prev, cur.target, cur.last_xid, cur.last_id)
  returning claim_id into claim;

  if cardinality(waiting) + cardinality(low) > 0 then
    update public.bus_deferred d set claim_id = claim, attempt = d.attempt + 1
    where d.message_id = any (waiting || low);
    return query
      select claim, d.message_id, d.service, d.role, d.shard, d.tenant, d.payload::text, d.trace_id, d.trace_parent,
        d.idempotency_key, d.priority, d.attempt, d.max_attempts, d.expires_at, d.created_at
      from public.bus_deferred d where d.message_id = any (waiting)
      order by d.priority desc, d.ready_at, d.message_id;
  end if;
  return query
    select claim, m.id, m.service, m.role, m.shard, m.tenant, m.payload::text, m.trace_id, m.trace_parent,
      m.idempotency_key, m.priority, 1::smallint, m.max_attempts, m.expires_at, m.created_at
    from unnest(hot) m;
  if cardinality(low) > 0 then
    return query
      select claim, d.message_id, d.service, d.role, d.shard, d.tenant, d.payload::text, d.trace_id, d.trace_parent,
        d.idempotency_key, d.priority, d.attempt, d.max_attempts, d.expires_at, d.created_at
      from public.bus_deferred d where d.message_id = any (low)
      order by d.priority desc, d.ready_at, d.message_id;
  end if;
end $$;

-- Lets jobs go that stood aside and can run now: their type is known to the caller, their key has room. The oldest first, by
-- id: one that another was quicker than, and that stands aside anew, does not go to the end.
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
          order by d.priority desc, w.job_id limit free);
      end if;
    end loop;
  end if;
  if go <> '{}' then
    delete from public.job_waits w where w.job_id = any (go);
    update public.bus_deferred d set ready_at = d.created_at where d.message_id = any (go) and d.claim_id is null;
  end if;
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
  locked constant text := pg_advisory_xact_lock(p_lane);
  started constant timestamptz := clock_timestamp();
  for_ever constant timestamptz := started + interval '1000 years';
  known text[] := p_types;
  paused boolean;
  aside boolean;
  tenants boolean;
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
  select exists (select 1 from public.job_queues q where q.queue = p_queue and q.paused_at is not null),
      exists (select 1 from public.job_waits w where w.lane = p_lane),
      exists (select 1 from public.job_turns t where t.lane = p_lane) or exists (
        select 1 from public.bus_deferred d where d.lane = p_lane and d.claim_id is null and d.tenant is not null and d.ready_at <= started),
      exists (select 1 from public.job_cancellations c where c.lane = p_lane)
    into paused, aside, tenants, wishes;
  if paused then
    return;
  end if;
  if aside then
    perform public.cogo_admit_waiting(p_lane, coalesce(p_types, (
      select d.types from public.worker_devices d join public.bus_sessions s using (worker_id) where s.session_id = p_session), '{}'), p_limit);
  end if;
  if tenants then
    perform public.cogo_give_turns(p_lane);
  end if;
  plain := p_types is null and not wishes;
  if known is null and (aside or wishes) then
    -- Not when another process registered under the same name: what this one knows is then for its handler to say.
    select d.types into known from public.worker_devices d join public.bus_sessions s using (worker_id)
      where s.session_id = p_session and d.pid = s.pid;
  end if;
  -- As long as no job of an unknown type waits here, none is looked for: looking at each costs a tenth of the throughput,
  -- and the worker puts the first ones aside itself.
  if plain and (not aside or known is null or '*' = any (known)
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

-- Publishes a message and claims it for a session of the publisher's own process, which has a handler free: one
-- transaction, one wait for the disk, instead of two and a wake-up between them. Only when the lane is read out and
-- nobody claims from it at this moment; else the message is published as any other, `fence` is null, and with
-- `p_origin` the bell rings. It never waits for a lock that a claim holds.
-- A job is not claimed so while its queue is paused, or while others stand aside that might go before it. The first
-- message of a lane never is.
create or replace function public.cogo_publish_claimed(p_service text, p_role text, p_shard text, p_payload text, p_trace_id text,
  p_trace_parent text, p_session bigint, p_origin text)
returns table (id bigint, lane bigint, fence bigint, payload text, max_attempts smallint, created_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  at_lane constant bigint := public.cogo_lane(p_service, p_role, p_shard);
  own constant xid8 := pg_current_xact_id();
  bell constant text := set_config('cogo.bell', 'off', true);
  free boolean := pg_try_advisory_xact_lock(at_lane);
  snap pg_snapshot;
  special pg_snapshot;
  special_xid xid8;
  special_id bigint;
  prev pg_snapshot;
  target pg_snapshot;
  last_xid xid8;
  last_id bigint;
begin
  if free then
    -- The session's row is held until commit: whoever ends it waits for this, and then sees this claim.
    select pg_current_snapshot(), c.special, c.special_xid, c.special_id, c.prev, c.target, c.last_xid, c.last_id,
        -- No transaction was open when the lane was last claimed from: what is unclaimed lies behind its cursor.
        case when pg_snapshot_xmin(c.prev) = pg_snapshot_xmax(c.prev) and pg_snapshot_xmin(c.target) = pg_snapshot_xmax(c.target) then
          not exists (
            select 1 from public.agent_messages m where m.lane = at_lane and not m.special and (m.xid, m.id) > (c.last_xid, c.last_id)
              and pg_visible_in_snapshot(m.xid, pg_current_snapshot()))
        end
      into snap, special, special_xid, special_id, prev, target, last_xid, last_id, free
      from (select 1 from public.bus_sessions s where s.session_id = p_session and s.ended_at is null for key share) living,
        public.cogo_cursor(at_lane) c;
    if free is null and found then
      free := cardinality(public.cogo_read_window(at_lane, prev, target, last_xid, last_id, 1)) = 0
        and cardinality(public.cogo_read_window(at_lane, target, snap, '0', 0, 1)) = 0;
    end if;
  end if;
  if free and p_service = 'jobs' then
    free := not exists (select 1 from public.job_queues q where q.queue = p_role and q.paused_at is not null)
      and not exists (select 1 from public.job_waits w where w.lane = at_lane);
  end if;

  insert into public.agent_messages (service, role, shard, payload, trace_id, trace_parent)
    values (p_service, p_role, p_shard, p_payload::jsonb, p_trace_id, p_trace_parent)
    returning agent_messages.id, agent_messages.lane, agent_messages.payload::text, agent_messages.max_attempts, agent_messages.created_at
    into id, lane, payload, max_attempts, created_at;

  if free then
    -- The cursor: all that the snapshot shows, and this transaction. A snapshot leaves out its own transaction's id, so
    -- below its upper bound that counts as seen; above it, those between the two are still open.
    if own = pg_snapshot_xmin(snap) and own = pg_snapshot_xmax(snap) then
      snap := format('%1$s:%1$s:', own::text::bigint + 1)::pg_snapshot;
    elsif own >= pg_snapshot_xmax(snap) then
      snap := public.cogo_snapshot((own::text::bigint + 1)::text::xid8,
        array(select pg_snapshot_xip(snap)) || array(
          select x::text::xid8 from generate_series(pg_snapshot_xmax(snap)::text::bigint, own::text::bigint - 1) x));
    end if;
    insert into public.bus_claims (lane, session_id, ids, deferred, first_xid, special, special_xid, special_id, prev, target, last_xid, last_id)
      values (at_lane, p_session, array[id], '{}', own, special, special_xid, special_id, target, snap, own, id)
      returning claim_id into fence;
  elsif p_origin is not null then
    perform pg_notify('cogo_bus', at_lane || '@' || p_origin);
  end if;
  return next;
end $$;
