-- The cold path when a million messages wait in it: no claim walks over those whose time has not come.

-- The time of a message on the cold path, whatever its priority; those that expire; jobs of tenants.
create index if not exists bus_deferred_due on public.bus_deferred (lane, ready_at) where claim_id is null;
create index if not exists bus_deferred_expiry on public.bus_deferred (lane, expires_at) where claim_id is null and expires_at is not null;
create index if not exists bus_deferred_tenant on public.bus_deferred (lane, ready_at) where claim_id is null and tenant is not null;

-- Special messages move to the cold path a few thousand at a time, so that no claim takes long. Of the transaction
-- special_xid, which `special` does not show, those up to special_id have moved.
alter table public.bus_claims add column if not exists special_xid xid8 not null default '0';
alter table public.bus_claims add column if not exists special_id bigint not null default 0;

-- The newest claim of a lane: its cursor. Ordered by both columns: by claim_id alone Postgres may walk down the primary
-- key over all other lanes' claims. No row when nothing was claimed yet.
create or replace function public.cogo_cursor(p_lane bigint) returns setof public.bus_claims
language sql stable rows 1 as $$
  select c.* from (
    select * from public.bus_claims c where (c.lane, c.claim_id) <= (p_lane, 9223372036854775807)
    order by c.lane desc, c.claim_id desc limit 1) c
  where c.lane = p_lane
$$;

-- A snapshot from its bounds and open transactions.
create or replace function public.cogo_snapshot(upto xid8, open_xids xid8[]) returns pg_snapshot
language sql immutable as $$
  select (coalesce(min(x::text::numeric), upto::text::numeric)::text || ':' || upto::text || ':'
    || coalesce(string_agg(x::text, ',' order by x::text::numeric), ''))::pg_snapshot
  from unnest(open_xids) x
$$;

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
    select m.lane, m.idempotency_key, m.id, m.trace_id, md5(m.payload::text) from unnest(batch) m
    where m.idempotency_key is not null order by m.idempotency_key, m.id
    on conflict do nothing;
  duplicates := array(
    select m.id from unnest(batch) m join public.bus_keys k on k.lane = m.lane and k.key = m.idempotency_key
    where k.message_id <> m.id);
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

-- Locks up to p_limit messages of the cold path whose time has come, with a priority of 0 and above, or below 0; the
-- highest priority first. Priority by priority, so that those whose time has not come are not walked over.
create or replace function public.cogo_due(p_lane bigint, below_zero boolean, p_now timestamptz, p_limit int) returns bigint[]
language plpgsql as $$
declare
  due bigint[] := '{}';
  one smallint := case when below_zero then 0 else 101 end;
begin
  while cardinality(due) < p_limit loop
    select d.priority into one from public.bus_deferred d
      where d.lane = p_lane and d.claim_id is null and d.priority < one order by d.priority desc limit 1;
    exit when not found or (one < 0 and not below_zero);
    due := due || array(
      select d.message_id from public.bus_deferred d
      where d.lane = p_lane and d.claim_id is null and d.priority = one and d.ready_at <= p_now
      order by d.ready_at, d.message_id limit p_limit - cardinality(due) for update skip locked);
  end loop;
  return due;
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
  if not exists (select 1 from public.bus_deferred d where d.lane = p_lane and d.claim_id is null and d.tenant is not null
      and d.ready_at >= real_time and d.ready_at <= clock_timestamp())
    and not exists (select 1 from public.job_turns t where t.lane = p_lane)
  then
    return;
  end if;

  select min(d.ready_at) into due from public.bus_deferred d
    where d.lane = p_lane and d.claim_id is null and d.ready_at < real_time;
  if due is null then
    delete from public.job_turns t where t.lane = p_lane;
    due := '2000-01-01 00:00+00';
  end if;

  with arrived as (
    select d.message_id, coalesce(d.tenant, '') as tenant,
      row_number() over (partition by coalesce(d.tenant, '') order by d.ready_at, d.message_id) as place
    from (
      select * from public.bus_deferred d
      where d.lane = p_lane and d.claim_id is null and d.ready_at >= real_time and d.ready_at <= clock_timestamp()
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
