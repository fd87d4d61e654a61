-- Workflows: runs of steps that live on the bus. Safe to apply by hand, and to apply again.
-- A step is a message; whoever ends it publishes a reply to workflow/run/0 in the transaction that ends it. All that a
-- run is stands here and is changed under the lock of its row in workflow_runs, in the transaction that ends a message.

create table if not exists public.workflow_runs (
  -- 'run-' and a UUID of version 7, so that ids sort by time.
  run_id       text        primary key check (run_id ~ '^run-[0-9a-f]{32}$'),
  template     text        not null,
  tenant       text        check (length(tenant) <= 200),
  trace_id     text        not null check (public.cogo_is_trace_id(trace_id)),
  -- Folder of the artifacts of the first attempt; those after it are <task_id>-2, -3, …
  task_id      text        not null,
  -- What was asked for: repo, base, engine, task, …
  request      jsonb       not null,
  status       text        not null default 'running'
                 check (status in ('running', 'passed', 'failed', 'infrastructure', 'invalid', 'cancelled')),
  code         text,
  reason       text,
  -- Counts repairs and retries from 1.
  attempt      int         not null default 1,
  max_repairs  int         not null check (max_repairs between 0 and 20),
  repairs_left int         not null,
  -- The gate's rules once it has decided.
  gate         jsonb,
  -- Number of the run's newest event, see data.seq in bus_events.
  last_event   int         not null default 0,
  created_at   timestamptz not null default clock_timestamp(),
  ended_at     timestamptz,
  check ((status = 'running') = (ended_at is null))
);
create index if not exists workflow_runs_trace on public.workflow_runs (trace_id);
create index if not exists workflow_runs_status on public.workflow_runs (status, run_id);
comment on table public.workflow_runs is 'Runs of workflows. Change them through the API: their steps are messages on the bus.';

create table if not exists public.workflow_steps (
  run_id     text        not null references public.workflow_runs on delete cascade,
  step       int         not null,
  name       text        not null,
  attempt    int         not null,
  -- Number of the repair that its attempt is, from 1; null: none.
  repair     int,
  route      text        not null,
  task_id    text        not null,
  status     text        not null default 'running' check (status in ('running', 'done', 'failed', 'cancelled')),
  -- The message for orchestrator/execute/0 that began it.
  message_id bigint,
  verdict    text,
  code       text,
  reason     text,
  -- Data of the event that ended it.
  result     jsonb,
  started_at timestamptz not null default clock_timestamp(),
  ended_at   timestamptz,
  primary key (run_id, step)
);
create index if not exists workflow_steps_running on public.workflow_steps (name) where status = 'running';

-- Requests that carried an Idempotency-Key, and the run that they meant.
create table if not exists public.workflow_keys (
  key         text        primary key check (length(key) <= 400),
  fingerprint text        not null,
  run_id      text        not null references public.workflow_runs on delete cascade,
  created_at  timestamptz not null default clock_timestamp()
);

-- Tells whoever waits for a message that it was given up: its payload names a route and a token in `reply`. Does nothing
-- for other messages. What stands in `reply` is the sender's: a route that is none is left alone, for burying must not fail.
create or replace function public.cogo_reply_failed(d public.bus_deferred, p_code text, p_reason text, p_verdict text) returns void
language plpgsql as $$
declare
  route text[];
begin
  if jsonb_typeof(d.payload) <> 'object' or jsonb_typeof(d.payload -> 'reply') is distinct from 'object' then
    return;
  end if;
  route := string_to_array(d.payload -> 'reply' ->> 'to', '/');
  if cardinality(route) is distinct from 3 or exists (select 1 from unnest(route) part where public.cogo_is_route_part(part) is not true) then
    return;
  end if;
  insert into public.agent_messages (service, role, shard, tenant, trace_id, trace_parent, max_attempts, payload)
  values (route[1], route[2], route[3], d.tenant, d.trace_id, d.trace_parent, 100, jsonb_strip_nulls(jsonb_build_object(
    'token', d.payload -> 'reply' -> 'token', 'message_id', d.message_id, 'route', d.service || '/' || d.role || '/' || d.shard,
    'outcome', 'failed', 'code', p_code, 'reason', p_reason, 'verdict', p_verdict)));
  -- Whoever buries has silenced the trigger.
  perform pg_notify('cogo_bus', '*');
end $$;

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
  perform public.cogo_reply_failed(d, p_code, p_reason, p_verdict);
end $$;

-- The prefix of a route's audit events: execute_done, codegen_retry, buildtest_failed, …
create or replace function public.cogo_event_prefix(service text, role text) returns text
language sql immutable parallel safe as $$
  select case service || '/' || role
    when 'orchestrator/execute' then 'execute'
    when 'codegen/generate' then 'codegen'
    when 'code/build-test' then 'buildtest'
    when 'workflow/run' then 'workflow_message'
    when 'jobs/' || role then 'job'
    else regexp_replace(role, '[^a-z0-9]+', '_', 'g')
  end
$$;
