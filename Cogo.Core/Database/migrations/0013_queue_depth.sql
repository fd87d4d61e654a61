-- How much work stands before the workers of a route: what they hold and what waits and is due, not what is scheduled
-- for later. For autoscalers: select public.cogo_queue_depth('code', 'build-test'). Counts up to p_most of each kind, so
-- that a backlog of millions costs what p_most does. Reads the indexes that a claim reads, and locks nothing.
create or replace function public.cogo_queue_depth(p_service text, p_role text, p_shard text default '0', p_most int default 10000)
returns bigint
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  one constant bigint := public.cogo_lane(p_service, p_role, p_shard);
  snap pg_snapshot := pg_current_snapshot();
  cur public.bus_claims;
  n bigint;
  depth bigint := 0;
begin
  select c.* into cur from public.cogo_cursor(one) c;
  if not found then
    cur.special := '1:1:';
    cur.prev := '1:1:';
    cur.target := '1:1:';
    cur.last_xid := '0';
    cur.last_id := 0;
  end if;

  -- Held: claimed by a worker whose lease is not known to be over, and not acknowledged.
  select count(*) into n
  from public.bus_sessions s
  join public.bus_claims c on c.session_id = s.session_id and c.claim_id >= s.floor_claim
  cross join lateral (
    select unnest(c.ids || c.deferred) except select unnest(a.ids) from public.bus_acks a where a.claim_id = c.claim_id
  ) held
  where s.ended_at is null and c.lane = one and c.revoked_at is null;
  depth := depth + n;

  -- Due: retries, delays that are over, priorities.
  select count(*) into n from (
    select 1 from public.bus_deferred d where d.lane = one and d.claim_id is null and d.ready_at <= clock_timestamp() limit p_most) due;
  depth := depth + n;

  -- Special ones that no claim has moved to where the due ones are.
  select count(*) into n from (
    select 1 from public.agent_messages m where m.lane = one and m.special
      and m.xid >= pg_snapshot_xmax(cur.special) and pg_visible_in_snapshot(m.xid, snap)
      and coalesce(m.not_before, '-infinity') <= clock_timestamp()
    union all
    select 1 from public.agent_messages m where m.lane = one and m.special
      and m.xid = any (array(select pg_snapshot_xip(cur.special))) and pg_visible_in_snapshot(m.xid, snap)
      and coalesce(m.not_before, '-infinity') <= clock_timestamp()
    limit p_most) fresh;
  depth := depth + n;

  -- Ordinary ones behind the cursor: what is left of the window of the last claim, then what was committed after it.
  -- One range of the index each: joined by OR they would read the route's whole history.
  select count(*) into n from (
    select 1 from public.agent_messages m where m.lane = one and not m.special and m.xid = cur.last_xid and m.id > cur.last_id
    union all
    select 1 from public.agent_messages m where m.lane = one and not m.special
      and m.xid = any (array(select pg_snapshot_xip(cur.prev))) and m.xid > cur.last_xid and pg_visible_in_snapshot(m.xid, cur.target)
    union all
    select 1 from public.agent_messages m where m.lane = one and not m.special
      and m.xid >= pg_snapshot_xmax(cur.prev) and m.xid > cur.last_xid and m.xid < pg_snapshot_xmax(cur.target)
      and pg_visible_in_snapshot(m.xid, cur.target)
    union all
    select 1 from public.agent_messages m where m.lane = one and not m.special
      and m.xid = any (array(select pg_snapshot_xip(cur.target))) and pg_visible_in_snapshot(m.xid, snap)
    union all
    select 1 from public.agent_messages m where m.lane = one and not m.special
      and m.xid >= pg_snapshot_xmax(cur.target) and pg_visible_in_snapshot(m.xid, snap)
    limit p_most) ordinary;
  return depth + n;
end $$;

comment on function public.cogo_queue_depth(text, text, text, int) is 'Messages of a route that are due or being worked on, counted up to p_most of each kind.';
