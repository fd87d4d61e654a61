-- What metrics are computed from. Safe to apply by hand, and to apply again.
-- Figures are read from bus_events alone, by its indexes: what the audit log does not hold is not counted, and what was
-- dropped with an old day is gone from the figures too.

-- Whose work it was, how long its message waited to be claimed, and how long the attempt ran. The times are those of
-- attempts that ended with a result, both by the database's clock.
alter table public.bus_events add column if not exists tenant text;
alter table public.bus_events add column if not exists queued_ms bigint;
alter table public.bus_events add column if not exists ran_ms bigint;
comment on column public.bus_events.queued_ms is 'From when the message could be delivered to its claim; of first attempts.';
comment on column public.bus_events.ran_ms is 'From the claim to this event.';

-- The newest events of all types, page by page.
create index if not exists bus_events_time on public.bus_events (created_at, id);
-- Artifacts by age.
create index if not exists artifacts_age on public.artifacts (created_at, path);

-- A number in a document, or null: agents in any language write these documents.
create or replace function public.cogo_number(document jsonb) returns double precision
language sql immutable parallel safe as $$
  select case when jsonb_typeof(document) = 'number' then document::double precision end
$$;

-- Tasks that ended in a span of time, and those that began in it and still run (ended_at is null). One row a trace; its
-- last ending counts. Tasks that are meant to be red are left out. Index bus_events_type. What began more than a day before the span has no started_at of its own.
create or replace function public.cogo_task_outcomes(p_since timestamptz, p_until timestamptz)
returns table (trace_id text, tenant text, route text, engine text, started_at timestamptz, ended_at timestamptz,
  ended_by text, verdict text, dispatched boolean, changed boolean)
language sql stable parallel safe as $$
  with seen as (
    select e.id, e.trace_id, e.type, e.tenant, e.route, e.created_at, e.data,
      e.created_at - make_interval(secs => (coalesce(e.queued_ms, 0) + coalesce(e.ran_ms, 0)) / 1000.0) as began,
      e.type <> 'execute_done' and (e.type <> 'codegen_done' or not e.data ? 'next') as ends
    from public.bus_events e
    where e.type in ('execute_done', 'execute_failed', 'codegen_done', 'codegen_failed', 'buildtest_done', 'buildtest_failed')
      and e.created_at >= p_since - interval '1 day' and e.created_at < p_until
      and e.tenant is distinct from 'expected-red'
  ), tasks as (
    select s.trace_id,
      max(s.tenant) as tenant,
      (array_agg(s.route order by s.id desc) filter (where s.ends))[1] as route,
      (array_agg(s.data ->> 'engine' order by s.id desc) filter (where s.type = 'codegen_done'))[1] as engine,
      min(s.began) as started_at,
      max(s.created_at) filter (where s.ends) as ended_at,
      (array_agg(s.type order by s.id desc) filter (where s.ends))[1] as ended_by,
      (array_agg(coalesce(s.data ->> 'verdict', case when s.type = 'codegen_done' then 'passed' else 'infrastructure' end)
        order by s.id desc) filter (where s.ends))[1] as verdict,
      bool_or(s.type = 'execute_done') as dispatched,
      bool_or(s.type = 'codegen_done') as changed
    from seen s
    group by s.trace_id
  )
  select * from tasks t
  where t.ended_at >= p_since or (t.ended_at is null and t.started_at >= p_since)
$$;

-- What a trace says about itself: its span, its task, and the last event that ends it. No row when nothing has this trace
-- id. codegen_done ends a trace only when nothing was published to a build-test route; the trace of a workflow's run ends as
-- the run does, whatever its steps come to on the way. Reads bus_events and agent_messages
-- by their trace_id indexes, in every partition; planned once a connection, since with many partitions planning takes
-- many times what running it does.
create or replace function public.cogo_trace_summary(p_trace text)
returns table (started_at timestamptz, task_id text, ended_by text, verdict text, reason text, ended_at timestamptz)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  tested boolean;
  run_status text := (select r.status from public.workflow_runs r where r.trace_id = p_trace order by r.run_id desc limit 1);
  first_event timestamptz;
  event_task text;
  ending jsonb;
begin
  select min(m.created_at), (array_agg(m.payload ->> 'task_id' order by m.id desc) filter (where m.payload ? 'task_id'))[1], bool_or(m.role = 'build-test')
    into started_at, task_id, tested
    from public.agent_messages m where m.trace_id = p_trace;

  -- Nothing happens to a message before it is there: with that, older partitions are not even looked at.
  select min(e.created_at),
      (array_agg(e.data ->> 'task_id' order by e.id desc) filter (where e.data ? 'task_id'))[1],
      (array_agg(jsonb_build_object('type', e.type, 'verdict', e.data -> 'verdict', 'reason', e.data -> 'reason', 'at', e.created_at) order by e.id desc)
        filter (where case
          when run_status is not null then run_status <> 'running' and e.type in ('workflow_done', 'workflow_failed', 'workflow_cancelled')
          else e.type in ('buildtest_done', 'execute_failed', 'codegen_failed', 'buildtest_failed')
            or (e.type like '%\_failed' and e.data ? 'verdict')
            or (e.type = 'codegen_done' and tested is not true) end))[1]
    into first_event, event_task, ending
    from public.bus_events e
    where e.trace_id = p_trace and e.created_at >= coalesce(started_at - interval '1 day', '-infinity');

  started_at := least(started_at, first_event);
  if started_at is null then
    return;
  end if;
  task_id := coalesce(task_id, event_task);
  ended_by := ending ->> 'type';
  verdict := ending ->> 'verdict';
  reason := ending ->> 'reason';
  ended_at := (ending ->> 'at')::timestamptz;
  return next;
end $$;

-- The messages, events and artifacts of a trace, oldest first; with p_after only events with a higher id. A payload's
-- patch is left out, and so is the whole payload when it is longer than 16 KiB without it. Indexes and plan as above.
create or replace function public.cogo_trace_timeline(p_trace text, p_after bigint, p_limit bigint)
returns table (at timestamptz, kind text, id bigint, type text, route text, message_id bigint, attempt int, worker text, data text,
  tenant text, queued_ms bigint, ran_ms bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  messages public.agent_messages[];
  first_message timestamptz;
begin
  if p_after is not null then
    return query
      select e.created_at, 'event', e.id, e.type, e.route, e.message_id, e.attempt, e.worker, nullif(e.data, '{}')::text, e.tenant, e.queued_ms, e.ran_ms
      from public.bus_events e
      where e.trace_id = p_trace and e.id > p_after
      order by 1, 3
      limit p_limit;
    return;
  end if;

  messages := array(select m from public.agent_messages m where m.trace_id = p_trace order by m.id limit p_limit);
  first_message := (select min(m.created_at) from unnest(messages) m);
  return query
    select e.created_at, 'event', e.id, e.type, e.route, e.message_id, e.attempt, e.worker, nullif(e.data, '{}')::text, e.tenant, e.queued_ms, e.ran_ms
    from public.bus_events e
    where e.trace_id = p_trace and e.created_at >= coalesce(first_message - interval '1 day', '-infinity')
    union all
    select m.created_at, 'message', m.id, 'message', m.service || '/' || m.role || '/' || m.shard, m.id, null, null,
      jsonb_strip_nulls(jsonb_build_object(
        'idempotency_key', m.idempotency_key, 'tenant', m.tenant, 'priority', m.priority,
        'max_attempts', m.max_attempts, 'not_before', m.not_before, 'expires_at', m.expires_at,
        'payload', case when octet_length(shown.payload::text) <= 16384 then shown.payload end))::text, m.tenant, null, null
    from unnest(messages) m
    cross join lateral (
      select case when jsonb_typeof(m.payload) = 'object' then m.payload - 'patch' else m.payload end as payload
    ) shown
    union all
    select a.created_at, 'artifact', null, 'artifact', null, null, null, null,
      jsonb_build_object('path', a.path, 'url', '/artifacts/' || a.path, 'bytes', a.bytes, 'sha256', a.sha256,
        'content_type', a.content_type, 'task_id', a.task_id)::text, null, null, null
    from public.artifacts a
    where a.trace_id = p_trace
    order by 1, 2, 3, 9
    limit p_limit;
end $$;
