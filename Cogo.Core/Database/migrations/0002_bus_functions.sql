-- Claim, acknowledge, retry, fail, hand back. Safe to apply by hand, and to apply again.
-- Every function that ends an attempt takes the session and the claim (the fence), locks the claim row, and does
-- nothing when the claim was revoked: a worker whose lease was taken can finish nothing.

-- The prefix of a route's audit events: execute_done, codegen_retry, buildtest_failed, …
create or replace function public.cogo_event_prefix(service text, role text) returns text
language sql immutable parallel safe as $$
  select case service || '/' || role
    when 'orchestrator/execute' then 'execute'
    when 'codegen/generate' then 'codegen'
    when 'code/build-test' then 'buildtest'
    when 'jobs/' || role then 'job'
    else regexp_replace(role, '[^a-z0-9]+', '_', 'g')
  end
$$;

-- Exponential backoff with full jitter: between 0 and base * 2^(attempt-1), at most 5 minutes.
create or replace function public.cogo_backoff(attempt int, base interval default '1 second') returns interval
language sql volatile as $$
  select least(base * (2 ^ least(attempt - 1, 20)), interval '5 minutes') * random()
$$;

-- Moves the special messages visible in `upto` and not in `since` out of the append-only table into bus_deferred.
-- The second message with an idempotency key is left behind, with an audit event. Returns how many rows it saw.
create or replace function public.cogo_defer_special(p_lane bigint, since pg_snapshot, upto pg_snapshot) returns int
language plpgsql set enable_seqscan = off as $$
declare
  found_ids bigint[];
  late xid8[] := array(select pg_snapshot_xip(since));
  special public.agent_messages[];
begin
  special := array(
    select a from public.agent_messages a
    where a.lane = p_lane and a.special and a.xid >= pg_snapshot_xmax(since) and pg_visible_in_snapshot(a.xid, upto));
  if cardinality(late) > 0 then
    special := special || array(
      select a from public.agent_messages a
      where a.lane = p_lane and a.special and a.xid = any (late) and pg_visible_in_snapshot(a.xid, upto));
  end if;
  if cardinality(special) = 0 then
    return 0;
  end if;

  insert into public.bus_keys (lane, key, message_id, trace_id, payload)
    select m.lane, m.idempotency_key, m.id, m.trace_id, md5(m.payload::text) from unnest(special) m
    where m.idempotency_key is not null order by m.idempotency_key, m.id
    on conflict do nothing;
  found_ids := array(
    select m.id from unnest(special) m join public.bus_keys k on k.lane = m.lane and k.key = m.idempotency_key
    where k.message_id <> m.id);
  insert into public.bus_events (trace_id, type, message_id, route, data)
    select m.trace_id, 'message_duplicate', m.id, m.service || '/' || m.role || '/' || m.shard,
      jsonb_build_object('idempotency_key', m.idempotency_key)
    from unnest(special) m where m.id = any (found_ids);

  insert into public.bus_deferred (message_id, lane, service, role, shard, tenant, payload, trace_id, trace_parent,
      idempotency_key, priority, attempt, max_attempts, ready_at, expires_at, created_at)
    select m.id, m.lane, m.service, m.role, m.shard, m.tenant, m.payload, m.trace_id, m.trace_parent,
      m.idempotency_key, m.priority, 0, m.max_attempts, coalesce(m.not_before, m.created_at), m.expires_at, m.created_at
    from unnest(special) m where m.id <> all (found_ids)
    on conflict (message_id) do nothing;
  return cardinality(special);
end $$;

-- The next messages of a window, in order of (xid, id): visible in `target`, not in `prev`, after (last_xid, last_id).
-- Locks nothing; index agent_messages_hot. The position is two plain bounds rather than (xid, id) > (last_xid, last_id):
-- for that, Postgres starts at the window's other bound and walks over all that was claimed already.
create or replace function public.cogo_read_window(p_lane bigint, prev pg_snapshot, target pg_snapshot,
  last_xid xid8, last_id bigint, p_limit int) returns public.agent_messages[]
language plpgsql volatile set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
declare
  found_rows public.agent_messages[] := '{}';
  open_then xid8[] := array(select pg_snapshot_xip(prev));
begin
  if p_limit <= 0 then
    return '{}';
  end if;
  -- The rest of the transaction that the last claim ended in.
  if last_xid <> '0' then
    found_rows := array(
      select m from public.agent_messages m
      where m.lane = p_lane and not m.special and m.xid = last_xid and m.id > last_id
      order by m.id limit p_limit);
  end if;
  -- Transactions that were open when the previous window closed and have committed since. Usually none.
  if cardinality(found_rows) < p_limit and cardinality(open_then) > 0 and last_xid < pg_snapshot_xmax(prev) then
    found_rows := found_rows || array(
      select m from public.agent_messages m
      where m.lane = p_lane and not m.special and m.xid = any (open_then) and m.xid > last_xid
        and pg_visible_in_snapshot(m.xid, target)
      order by m.xid, m.id limit p_limit - cardinality(found_rows));
  end if;
  if cardinality(found_rows) < p_limit then
    found_rows := found_rows || array(
      select m from public.agent_messages m
      where m.lane = p_lane and not m.special
        and m.xid >= pg_snapshot_xmax(prev) and m.xid > last_xid and m.xid < pg_snapshot_xmax(target)
        and pg_visible_in_snapshot(m.xid, target)
      order by m.xid, m.id limit p_limit - cardinality(found_rows));
  end if;
  return found_rows;
end $$;

-- Writes the dead letter and its audit event. The caller has made sure of the fence.
create or replace function public.cogo_bury(d public.bus_deferred, p_code text, p_reason text, p_verdict text, p_worker text) returns void
language plpgsql as $$
begin
  insert into public.dead_letters (message_id, service, role, shard, tenant, payload, trace_id, trace_parent, idempotency_key,
      priority, attempt, max_attempts, code, reason, message_created_at)
    values (d.message_id, d.service, d.role, d.shard, d.tenant, d.payload, d.trace_id, d.trace_parent, d.idempotency_key,
      d.priority, d.attempt, d.max_attempts, p_code, p_reason, d.created_at);
  insert into public.bus_events (trace_id, type, message_id, route, attempt, worker, data)
    values (d.trace_id, public.cogo_event_prefix(d.service, d.role) || '_failed', d.message_id,
      d.service || '/' || d.role || '/' || d.shard, d.attempt, p_worker,
      jsonb_build_object('code', p_code, 'reason', p_reason, 'verdict', p_verdict));
end $$;

-- Claims up to p_limit messages of a lane for a session: first those whose time has come, by priority; then the
-- ordinary ones, oldest first; then priorities below 0. Claims of one lane are serialised by an advisory lock of
-- the transaction, so poolers do not matter. An idle call reads four indexes and writes nothing.
-- SQLSTATE CG001: the session has ended.
create or replace function public.cogo_claim(p_lane bigint, p_session bigint, p_limit int)
returns table (fence bigint, message_id bigint, service text, role text, shard text, tenant text, payload text, trace_id text,
  trace_parent text, idempotency_key text, priority smallint, attempt smallint, max_attempts smallint,
  expires_at timestamptz, created_at timestamptz)
language plpgsql as $$
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

  select c.* into cur from public.bus_claims c where c.lane = p_lane order by c.claim_id desc limit 1;
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

-- Finishes messages of one claim. Returns those that were refused: fenced off, or finished before. A whole claim,
-- its ids in its own order, is the common case and costs one comparison of two arrays.
create or replace function public.cogo_acknowledge(p_session bigint, p_claim bigint, p_ids bigint[]) returns setof bigint
language plpgsql as $$
declare
  claimed bigint[];
  waited bigint[];
  accepted bigint[];
begin
  select c.ids, c.deferred into claimed, waited from public.bus_claims c
    where c.claim_id = p_claim and c.session_id = p_session and c.revoked_at is null for update;
  if not found then
    return query select unnest(p_ids);
    return;
  end if;
  if p_ids = claimed and waited = '{}' and not exists (select 1 from public.bus_acks a where a.claim_id = p_claim) then
    insert into public.bus_acks (claim_id, ids) values (p_claim, p_ids);
    return;
  end if;

  accepted := array(
    select unnest(p_ids) intersect select unnest(claimed || waited)
    except select unnest(a.ids) from public.bus_acks a where a.claim_id = p_claim);
  if accepted <> '{}' then
    insert into public.bus_acks (claim_id, ids) values (p_claim, accepted);
  end if;
  if waited <> '{}' then
    delete from public.bus_deferred d where d.message_id = any (accepted) and d.claim_id = p_claim;
  end if;
  return query select unnest(p_ids) except select unnest(accepted);
end $$;

-- The same for messages of several claims: pairs of (claim, id). Returns the pairs that were accepted. Locks the claims
-- in order.
create or replace function public.cogo_finish(p_session bigint, p_claims bigint[], p_ids bigint[])
returns table (claim_id bigint, message_id bigint)
language plpgsql as $$
declare
  one record;
begin
  for one in
    select p.claim, array_agg(distinct p.id) as ids from unnest(p_claims, p_ids) p (claim, id) group by p.claim order by p.claim
  loop
    return query
      select one.claim, id from unnest(one.ids) id
      except all
      select one.claim, refused from public.cogo_acknowledge(p_session, one.claim, one.ids) refused;
  end loop;
end $$;

-- A message of a claim as a row of the cold path, whichever path it came by. Null when it is gone.
create or replace function public.cogo_message_of_claim(p_claim bigint, p_id bigint) returns public.bus_deferred
language plpgsql stable set enable_seqscan = off as $$
declare
  found_row public.bus_deferred;
begin
  select d.* into found_row from public.bus_deferred d where d.message_id = p_id;
  if found then
    return found_row;
  end if;
  select m.id, m.lane, m.service, m.role, m.shard, m.tenant, m.payload, m.trace_id, m.trace_parent, m.idempotency_key,
      m.priority, 1, m.max_attempts, m.created_at, m.expires_at, m.created_at, null
    into found_row
    from public.bus_claims c join public.agent_messages m
      on m.lane = c.lane and not m.special and m.xid >= c.first_xid and m.xid < pg_snapshot_xmax(c.target) and m.id = p_id
    where c.claim_id = p_claim;
  return found_row;
end $$;

-- Ends one attempt without finishing the message: it waits for `p_delay` (null: backoff) and is delivered again, or
-- is dead-lettered when its attempts are used up. `p_counts` false gives the attempt back (a graceful stop).
-- Returns 'retried', 'dead' or 'fenced'.
create or replace function public.cogo_retry(p_session bigint, p_claim bigint, p_id bigint, p_delay interval,
  p_reason text, p_counts boolean, p_worker text) returns text
language plpgsql as $$
declare
  d public.bus_deferred;
  delay interval;
begin
  perform 1 from public.cogo_finish_claim_only(p_session, p_claim, p_id);
  if not found then
    return 'fenced';
  end if;
  d := public.cogo_message_of_claim(p_claim, p_id);
  if d.message_id is null then
    raise exception 'Message % of claim % is gone from agent_messages: its partition was dropped while it was held.', p_id, p_claim;
  end if;
  if p_counts and d.attempt >= d.max_attempts then
    delete from public.bus_deferred where message_id = p_id;
    perform public.cogo_bury(d, 'retries_exhausted', format('Attempt %s of %s: %s', d.attempt, d.max_attempts, p_reason), 'infrastructure', p_worker);
    return 'dead';
  end if;

  delay := coalesce(p_delay, public.cogo_backoff(d.attempt));
  insert into public.bus_deferred select d.*
    on conflict (message_id) do nothing;
  update public.bus_deferred set claim_id = null, ready_at = clock_timestamp() + delay,
      attempt = case when p_counts then attempt else attempt - 1 end
    where message_id = p_id;
  if p_counts then
    insert into public.bus_events (trace_id, type, message_id, route, attempt, worker, data)
      values (d.trace_id, public.cogo_event_prefix(d.service, d.role) || '_retry', d.message_id,
        d.service || '/' || d.role || '/' || d.shard, d.attempt, p_worker,
        jsonb_build_object('reason', p_reason, 'delay_ms', round(extract(epoch from delay) * 1000)));
  end if;
  return 'retried';
end $$;

-- Acknowledges one message on behalf of retry and fail, which keep its row of the cold path. One row when accepted.
create or replace function public.cogo_finish_claim_only(p_session bigint, p_claim bigint, p_id bigint) returns setof bigint
language plpgsql as $$
begin
  perform 1 from public.bus_claims c
    where c.claim_id = p_claim and c.session_id = p_session and c.revoked_at is null
      and (p_id = any (c.ids) or p_id = any (c.deferred))
    for update;
  if not found or exists (select 1 from public.bus_acks a where a.claim_id = p_claim and p_id = any (a.ids)) then
    return;
  end if;
  insert into public.bus_acks (claim_id, ids) values (p_claim, array[p_id]);
  return next p_id;
end $$;

-- Gives a message up. Returns whether the fence held.
create or replace function public.cogo_fail(p_session bigint, p_claim bigint, p_id bigint, p_code text, p_reason text,
  p_verdict text, p_worker text) returns boolean
language plpgsql as $$
declare
  d public.bus_deferred;
begin
  perform 1 from public.cogo_finish_claim_only(p_session, p_claim, p_id);
  if not found then
    return false;
  end if;
  d := public.cogo_message_of_claim(p_claim, p_id);
  if d.message_id is null then
    raise exception 'Message % of claim % is gone from agent_messages: its partition was dropped while it was held.', p_id, p_claim;
  end if;
  delete from public.bus_deferred where message_id = p_id;
  perform public.cogo_bury(d, p_code, p_reason, p_verdict, p_worker);
  return true;
end $$;

-- Ends a session and takes back what it holds. The attempt counts: a message that kills its worker is
-- dead-lettered in the end. Returns the lanes that have something to deliver again.
create or replace function public.cogo_end_session(p_session bigint, p_reason text) returns setof bigint
language plpgsql as $$
declare
  s public.bus_sessions;
  held record;
begin
  select * into s from public.bus_sessions where session_id = p_session and ended_at is null for update;
  if not found then
    return;
  end if;
  for held in
    select c.claim_id, c.lane, o.id
    from public.bus_claims c
    cross join lateral (
      select unnest(c.ids || c.deferred) as id
      except
      select unnest(a.ids) from public.bus_acks a where a.claim_id = c.claim_id
    ) o
    where c.session_id = p_session and c.claim_id >= s.floor_claim and c.revoked_at is null
    order by c.claim_id, o.id
  loop
    if public.cogo_retry(p_session, held.claim_id, held.id, null, p_reason, true, s.worker_id) = 'retried' then
      return next held.lane;
    end if;
  end loop;
  update public.bus_claims set revoked_at = clock_timestamp()
    where session_id = p_session and claim_id >= s.floor_claim and revoked_at is null;
  update public.bus_sessions set ended_at = clock_timestamp(), end_reason = p_reason where session_id = p_session;
end $$;

-- Ends the sessions whose lease ran out. Returns the lanes that have something to deliver again.
create or replace function public.cogo_reap() returns setof bigint
language plpgsql as $$
declare
  dead bigint;
begin
  for dead in
    select session_id from public.bus_sessions
    where ended_at is null and lease_until < clock_timestamp()
    order by session_id for update skip locked
  loop
    return query select * from public.cogo_end_session(dead, 'The worker''s lease ran out.');
  end loop;
end $$;

-- Forgets finished claims, their acknowledgements, ended sessions and keys older than `p_keep`. A lane's newest
-- claim, which is its cursor, and claims that live sessions may hold are kept.
create or replace function public.cogo_prune(p_keep interval) returns bigint
language plpgsql as $$
declare
  before timestamptz := clock_timestamp() - p_keep;
  floor_claim bigint;
  removed bigint;
begin
  select coalesce(min(s.floor_claim), 9223372036854775807) into floor_claim from public.bus_sessions s where s.ended_at is null;
  delete from public.bus_acks a where a.acked_at < before and a.claim_id < floor_claim;
  delete from public.bus_claims c where c.claimed_at < before and c.claim_id < floor_claim
    and exists (select 1 from public.bus_claims n where n.lane = c.lane and n.claim_id > c.claim_id);
  get diagnostics removed = row_count;
  delete from public.bus_sessions s where s.ended_at < before
    and not exists (select 1 from public.bus_claims c where c.session_id = s.session_id and c.revoked_at is null and c.claim_id >= s.floor_claim);
  delete from public.bus_keys k where k.created_at < before
    -- A dead job is put back once, however late somebody asks again.
    and k.key not like 'dlq:%'
    and not exists (select 1 from public.bus_deferred d where d.message_id = k.message_id);
  return removed;
end $$;

-- Hands back the claims of a living session that it does not know of: their answer was lost on the way. A claim
-- counts as unknown when it is not among `p_known` and is older than `p_age`.
create or replace function public.cogo_release_unknown(p_session bigint, p_from bigint, p_known bigint[], p_age interval) returns setof bigint
language plpgsql as $$
declare
  lost record;
begin
  for lost in
    select c.claim_id, c.lane, o.id
    from public.bus_claims c
    cross join lateral (
      select unnest(c.ids || c.deferred) as id
      except
      select unnest(a.ids) from public.bus_acks a where a.claim_id = c.claim_id
    ) o
    where c.session_id = p_session and c.claim_id >= p_from and c.claim_id <> all (p_known)
      and c.revoked_at is null and c.claimed_at < clock_timestamp() - p_age
    order by c.claim_id, o.id
  loop
    if public.cogo_retry(p_session, lost.claim_id, lost.id, interval '0', 'The claim''s answer was lost.', false, null) = 'retried' then
      return next lost.lane;
    end if;
  end loop;
end $$;
