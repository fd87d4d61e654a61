-- Jobs are claimed as they are published, too. Safe to apply by hand, and to apply again.

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
  -- In expressions rather than statements: a statement costs 0.03 ms when caches are cold.
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
