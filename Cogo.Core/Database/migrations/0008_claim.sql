-- Plans of these functions are made once a connection, for any lane and however full the tables: planning a claim costs
-- several times what running it does.

-- Claims up to p_limit messages of a lane for a session: first those whose time has come, by priority; then the
-- ordinary ones, oldest first; then priorities below 0. Claims of one lane are serialised by an advisory lock of
-- the transaction, so poolers do not matter. An idle call reads a few indexes and writes nothing.
-- SQLSTATE CG001: the session has ended.
create or replace function public.cogo_claim(p_lane bigint, p_session bigint, p_limit int)
returns table (fence bigint, message_id bigint, service text, role text, shard text, tenant text, payload text, trace_id text,
  trace_parent text, idempotency_key text, priority smallint, attempt smallint, max_attempts smallint,
  expires_at timestamptz, created_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  -- So many special messages, and so many that ran out of time, are seen to in one claim.
  chores constant int := 5000;
  cur public.bus_claims;
  snap pg_snapshot;
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
  perform pg_advisory_xact_lock(p_lane);

  select c.* into cur from public.cogo_cursor(p_lane) c;
  if not found then
    cur.special := '1:1:';
    cur.special_xid := '0';
    cur.special_id := 0;
    cur.prev := '1:1:';
    cur.target := '1:1:';
    cur.last_xid := '0';
    cur.last_id := 0;
  end if;
  snap := pg_current_snapshot();

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

drop function if exists public.cogo_defer_special(bigint, pg_snapshot, pg_snapshot);

-- Those of the lanes on which a claim would find something: what idle workers ask, once for all lanes they read. Locks
-- and writes nothing.
create or replace function public.cogo_ready_lanes(p_lanes bigint[]) returns setof bigint
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  one bigint;
  cur public.bus_claims;
  snap pg_snapshot := pg_current_snapshot();
begin
  foreach one in array p_lanes loop
    select c.* into cur from public.cogo_cursor(one) c;
    if not found then
      cur.special := '1:1:';
      cur.prev := '1:1:';
      cur.target := '1:1:';
      cur.last_xid := '0';
      cur.last_id := 0;
    end if;
    if exists (select 1 from public.bus_deferred d where d.lane = one and d.claim_id is null and d.ready_at <= clock_timestamp())
      or exists (select 1 from public.bus_deferred d where d.lane = one and d.claim_id is null and d.expires_at <= clock_timestamp())
      or exists (select 1 from public.job_waits w where w.lane = one)
      or exists (
        select 1 from public.agent_messages m where m.lane = one and m.special
          and m.xid >= pg_snapshot_xmax(cur.special) and pg_visible_in_snapshot(m.xid, snap))
      or exists (
        select 1 from public.agent_messages m where m.lane = one and m.special
          and m.xid = any (array(select pg_snapshot_xip(cur.special))) and pg_visible_in_snapshot(m.xid, snap))
      or cardinality(public.cogo_read_window(one, cur.prev, cur.target, cur.last_xid, cur.last_id, 1)) > 0
      or cardinality(public.cogo_read_window(one, cur.target, snap, '0', 0, 1)) > 0
    then
      return next one;
    end if;
  end loop;
end $$;

alter function public.cogo_claim_jobs(bigint, text, bigint, int, text[]) set plan_cache_mode = force_generic_plan;
alter function public.cogo_acknowledge(bigint, bigint, bigint[]) set plan_cache_mode = force_generic_plan;
alter function public.cogo_finish(bigint, bigint[], bigint[]) set plan_cache_mode = force_generic_plan;
alter function public.cogo_retry(bigint, bigint, bigint, interval, text, boolean, text) set plan_cache_mode = force_generic_plan;
alter function public.cogo_fail(bigint, bigint, bigint, text, text, text, text) set plan_cache_mode = force_generic_plan;

-- Appends messages that have a route and a payload and else the defaults, in the order given: a function scan gives its
-- rows in their order, and ids are drawn in it. With `p_origin` it rings the bell itself, signed so, as the transaction
-- commits, and takes the lock that NOTIFY takes; without, it takes none but its own rows', and the caller rings afterwards.
create or replace function public.cogo_publish(services text[], roles text[], shards text[], payloads text[], trace_ids text[], trace_parents text[],
  p_origin text)
returns table (id bigint, lane bigint)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  perform set_config('cogo.bell', 'off', true);
  if p_origin is not null then
    perform pg_notify('cogo_bus', public.cogo_lane(m.service, m.role, m.shard) || '@' || p_origin)
      from (select distinct * from unnest(services, roles, shards)) as m (service, role, shard);
  end if;
  return query
    insert into public.agent_messages (service, role, shard, payload, trace_id, trace_parent)
    select m.service, m.role, m.shard, m.payload::jsonb, m.trace_id, m.trace_parent
    from unnest(services, roles, shards, payloads, trace_ids, trace_parents) as m (service, role, shard, payload, trace_id, trace_parent)
    returning agent_messages.id, agent_messages.lane;
end $$;
