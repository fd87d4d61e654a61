-- Claims up to p_limit messages of a lane for a session: first those whose time has come, by priority; then the
-- ordinary ones, oldest first; then priorities below 0. Claims of one lane are serialised by an advisory lock of
-- the transaction, so poolers do not matter. An idle call reads a few indexes and writes nothing.
-- Plans are made once a connection, for any lane and however full the tables: planning costs several times the work.
-- SQLSTATE CG001: the session has ended.
create or replace function public.cogo_claim(p_lane bigint, p_session bigint, p_limit int)
returns table (fence bigint, message_id bigint, service text, role text, shard text, tenant text, payload text, trace_id text,
  trace_parent text, idempotency_key text, priority smallint, attempt smallint, max_attempts smallint,
  expires_at timestamptz, created_at timestamptz)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  cur public.bus_claims;
  snap pg_snapshot;
  started timestamptz := clock_timestamp();
  moved int;
  room int := p_limit;
  late public.bus_deferred;
  waiting bigint[];
  low bigint[] := '{}';
  hot public.agent_messages[];
  more public.agent_messages[];
  claim bigint;
begin
  perform pg_advisory_xact_lock(p_lane);

  -- Ordered by both columns: by claim_id alone Postgres may walk down the primary key over all other lanes' claims.
  select c.* into cur from (
    select * from public.bus_claims c where (c.lane, c.claim_id) <= (p_lane, 9223372036854775807)
    order by c.lane desc, c.claim_id desc limit 1) c
  where c.lane = p_lane;
  if not found then
    cur.special := '1:1:';
    cur.prev := '1:1:';
    cur.target := '1:1:';
    cur.last_xid := '0';
    cur.last_id := 0;
  end if;
  snap := pg_current_snapshot();

  moved := public.cogo_defer_special(p_lane, cur.special, snap);

  -- What ran out of time is given up, with its reason.
  for late in
    delete from public.bus_deferred d where d.lane = p_lane and d.claim_id is null and d.expires_at <= started returning d.*
  loop
    perform public.cogo_bury(late, 'expired', format('Not delivered by %s, when it expired.', late.expires_at), 'infrastructure', null);
  end loop;

  waiting := array(
    select d.message_id from public.bus_deferred d
    where d.lane = p_lane and d.claim_id is null and d.priority >= 0 and d.ready_at <= started
    order by d.priority desc, d.ready_at, d.message_id limit room for update skip locked);
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
    low := array(
      select d.message_id from public.bus_deferred d
      where d.lane = p_lane and d.claim_id is null and d.priority < 0 and d.ready_at <= started
      order by d.priority desc, d.ready_at, d.message_id limit room for update skip locked);
  end if;

  if moved = 0 and cardinality(waiting) = 0 and cardinality(hot) = 0 and cardinality(low) = 0 then
    return;
  end if;

  -- Held until commit: whoever ends this session waits for it, and then sees this claim.
  perform 1 from public.bus_sessions s where s.session_id = p_session and s.ended_at is null for key share;
  if not found then
    raise exception 'Session % has ended: its lease was taken.', p_session using errcode = 'CG001';
  end if;

  insert into public.bus_claims (lane, session_id, ids, deferred, first_xid, special, prev, target, last_xid, last_id)
  values (p_lane, p_session, array(select m.id from unnest(hot) m), waiting || low,
    coalesce((select m.xid from unnest(hot) m order by m.xid limit 1), '0'),
    snap, cur.prev, cur.target, cur.last_xid, cur.last_id)
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

alter function public.cogo_claim_jobs(bigint, text, bigint, int, text[]) set plan_cache_mode = force_generic_plan;
alter function public.cogo_acknowledge(bigint, bigint, bigint[]) set plan_cache_mode = force_generic_plan;
alter function public.cogo_finish(bigint, bigint[], bigint[]) set plan_cache_mode = force_generic_plan;
alter function public.cogo_retry(bigint, bigint, bigint, interval, text, boolean, text) set plan_cache_mode = force_generic_plan;
alter function public.cogo_fail(bigint, bigint, bigint, text, text, text, text) set plan_cache_mode = force_generic_plan;

-- Appends messages that have a route and a payload and else the defaults, in the order given: a function scan gives its
-- rows in their order, and ids are drawn in it. Takes no lock but its own rows'. The caller rings the bell after the commit.
create or replace function public.cogo_publish(services text[], roles text[], shards text[], payloads text[], trace_ids text[], trace_parents text[])
returns table (id bigint, lane bigint)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  perform set_config('cogo.bell', 'off', true);
  return query
    insert into public.agent_messages (service, role, shard, payload, trace_id, trace_parent)
    select m.service, m.role, m.shard, m.payload::jsonb, m.trace_id, m.trace_parent
    from unnest(services, roles, shards, payloads, trace_ids, trace_parents) as m (service, role, shard, payload, trace_id, trace_parent)
    returning agent_messages.id, agent_messages.lane;
end $$;
