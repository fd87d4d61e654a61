-- What figures are computed from, one narrow row each, so that a day of 50,000 tasks is summed up in a fraction of a second:
-- written by a trigger with the event itself, in its transaction, and all of it rebuilt from bus_events by
-- cogo_rebuild_figures(). Safe to apply by hand, and to apply again.

-- One row a task, which is a trace: what is known of it so far. Its last ending counts.
create table if not exists public.task_outcomes (
  trace_id     text        primary key,
  tenant       text,
  -- When its first message could be delivered.
  started_at   timestamptz not null,
  dispatched   boolean     not null default false,
  changed      boolean     not null default false,
  engine       text,
  -- Null while it runs, as are the five below.
  ended_at     timestamptz,
  ended_by     text,
  verdict      text,
  route        text,
  -- An ending, not necessarily the last, was red.
  red          boolean     not null default false,
  -- Ids of the events that engine, and verdict with its neighbours, were taken from: the higher one counts, whichever came first.
  engine_event bigint,
  ended_event  bigint
) with (fillfactor = 70);
create index if not exists task_outcomes_ended on public.task_outcomes (ended_at) where ended_at is not null;
create index if not exists task_outcomes_running on public.task_outcomes (started_at) where ended_at is null;
comment on table public.task_outcomes is 'Tasks and what came of them, for figures. Follows from bus_events: see cogo_rebuild_figures().';

-- One row an attempt that ended with a result, and what was measured of it.
create table if not exists public.attempt_results (
  at        timestamptz not null,
  event_id  bigint      not null,
  queued_ms bigint,
  codegen_ms bigint,
  build_ms  double precision,
  test_ms   double precision,
  -- Of build/test: which patch on which commit, as a hash of both, and whether it passed.
  change    bigint,
  passed    boolean,
  route     text,
  tenant    text,
  primary key (at, event_id)
);
comment on table public.attempt_results is 'Times and verdicts of attempts, for figures. Follows from bus_events: see cogo_rebuild_figures().';

-- The last word of each gate on a trace; gate '' is the last word of all of them.
create table if not exists public.gate_words (
  trace_id text        not null,
  gate     text        not null,
  at       timestamptz not null,
  event_id bigint      not null,
  passed   boolean     not null,
  primary key (trace_id, gate)
) with (fillfactor = 90);
create index if not exists gate_words_at on public.gate_words (at) include (gate, passed);
comment on table public.gate_words is 'Last words of gates, for figures. Follows from bus_events: see cogo_rebuild_figures().';

-- Which patch on which commit a verdict is about; null when the event does not say.
create or replace function public.cogo_change_key(data jsonb) returns bigint
language sql immutable parallel safe as $$
  select hashtextextended(coalesce(data ->> 'base_commit', ''), hashtextextended(data ->> 'patch_sha256', 0))
$$;

-- When the message of an attempt could be delivered, counted back from the attempt's end. Agents in any language write these
-- numbers: what is more than three years counts as three years.
create or replace function public.cogo_deliverable_at(ended_at timestamptz, queued_ms bigint, ran_ms bigint) returns timestamptz
language sql stable parallel safe as $$
  select ended_at - make_interval(secs => greatest(-1e8, least(1e8, (coalesce(queued_ms, 0)::double precision + coalesce(ran_ms, 0)) / 1000)))
$$;

-- The name of the gate that an event speaks for.
create or replace function public.cogo_gate_name(type text, data jsonb) returns text
language sql immutable parallel safe as $$
  select case when type = 'buildtest_done' then 'build-test' else coalesce(nullif(left(data ->> 'gate', 200), ''), 'unnamed') end
$$;

-- Whether an event ends its task: codegen_done does when nothing comes after it.
create or replace function public.cogo_ends_task(type text, data jsonb) returns boolean
language sql immutable parallel safe as $$
  select type <> 'execute_done' and (type <> 'codegen_done' or not data ? 'next')
$$;

-- Notes one event. Each row is merged so that the order in which transactions commit does not matter; it is locked until
-- the event's transaction ends, so that events of one task wait for each other, and for no one else's.
create or replace function public.cogo_note_figures() returns trigger
language plpgsql as $$
declare
  began timestamptz := public.cogo_deliverable_at(new.created_at, new.queued_ms, new.ran_ms);
  word text := new.data ->> 'verdict';
begin
  if new.type in ('execute_done', 'codegen_done', 'buildtest_done') then
    insert into public.attempt_results (at, event_id, queued_ms, codegen_ms, build_ms, test_ms, change, passed, route, tenant)
    values (new.created_at, new.id, new.queued_ms, case when new.type = 'codegen_done' then new.ran_ms end,
      case when new.type = 'buildtest_done' then public.cogo_number(new.data #> '{stages,build}') end,
      case when new.type = 'buildtest_done' then public.cogo_number(new.data #> '{stages,test}') end,
      case when new.type = 'buildtest_done' and word in ('passed', 'failed') then public.cogo_change_key(new.data) end,
      case when new.type = 'buildtest_done' and word in ('passed', 'failed') then word = 'passed' end,
      new.route, new.tenant)
    on conflict (at, event_id) do nothing;
  end if;

  if new.type not in ('gate_passed', 'gate_failed') then
    insert into public.task_outcomes as t (trace_id, tenant, started_at, dispatched, changed, engine, engine_event)
    values (new.trace_id, new.tenant, began, new.type = 'execute_done', new.type = 'codegen_done',
      case when new.type = 'codegen_done' then new.data ->> 'engine' end, case when new.type = 'codegen_done' then new.id end)
    on conflict (trace_id) do update set
      tenant = greatest(t.tenant, excluded.tenant),
      started_at = least(t.started_at, excluded.started_at),
      dispatched = t.dispatched or excluded.dispatched,
      changed = t.changed or excluded.changed,
      engine = case when excluded.engine_event > coalesce(t.engine_event, 0) then excluded.engine else t.engine end,
      engine_event = greatest(t.engine_event, excluded.engine_event);
  end if;
  if new.type not in ('gate_passed', 'gate_failed') and public.cogo_ends_task(new.type, new.data) then
    word := coalesce(word, case when new.type = 'codegen_done' then 'passed' else 'infrastructure' end);
    update public.task_outcomes t set
      ended_at = greatest(t.ended_at, new.created_at),
      red = t.red or word = 'failed',
      ended_by = case when new.id > coalesce(t.ended_event, 0) then new.type else t.ended_by end,
      verdict = case when new.id > coalesce(t.ended_event, 0) then word else t.verdict end,
      route = case when new.id > coalesce(t.ended_event, 0) then new.route else t.route end,
      ended_event = greatest(t.ended_event, new.id)
    where t.trace_id = new.trace_id;
  end if;

  if new.type in ('gate_passed', 'gate_failed') or (new.type = 'buildtest_done' and word in ('passed', 'failed')) then
    insert into public.gate_words as w (trace_id, gate, at, event_id, passed)
    select new.trace_id, name, new.created_at, new.id, new.type = 'gate_passed' or (new.type = 'buildtest_done' and word = 'passed')
    from unnest(array['', public.cogo_gate_name(new.type, new.data)]) name
    on conflict (trace_id, gate) do update set at = excluded.at, event_id = excluded.event_id, passed = excluded.passed
      where excluded.event_id > w.event_id;
  end if;
  return null;
end $$;

-- Rebuilds all of it from the events of a span of time, 90 days unless said otherwise, which is the longest window that can
-- be asked for. Events that are written meanwhile wait for it.
create or replace function public.cogo_rebuild_figures(p_since timestamptz default now() - interval '90 days') returns void
language plpgsql set work_mem = '256MB' set jit = off as $$
begin
  lock table public.task_outcomes, public.attempt_results, public.gate_words in share row exclusive mode;
  delete from public.task_outcomes;
  delete from public.attempt_results;
  delete from public.gate_words;

  insert into public.attempt_results (at, event_id, queued_ms, codegen_ms, build_ms, test_ms, change, passed, route, tenant)
  select e.created_at, e.id, e.queued_ms, case when e.type = 'codegen_done' then e.ran_ms end,
    case when e.type = 'buildtest_done' then public.cogo_number(e.data #> '{stages,build}') end,
    case when e.type = 'buildtest_done' then public.cogo_number(e.data #> '{stages,test}') end,
    case when e.type = 'buildtest_done' and e.data ->> 'verdict' in ('passed', 'failed') then public.cogo_change_key(e.data) end,
    case when e.type = 'buildtest_done' and e.data ->> 'verdict' in ('passed', 'failed') then e.data ->> 'verdict' = 'passed' end,
    e.route, e.tenant
  from public.bus_events e
  where e.type in ('execute_done', 'codegen_done', 'buildtest_done') and e.created_at >= p_since
  order by e.created_at, e.id;

  insert into public.task_outcomes (trace_id, tenant, started_at, dispatched, changed, engine, engine_event,
    ended_at, ended_by, verdict, route, red, ended_event)
  select s.trace_id, max(s.tenant), min(s.began), bool_or(s.type = 'execute_done'), bool_or(s.type = 'codegen_done'),
    (array_agg(s.engine order by s.id desc) filter (where s.type = 'codegen_done'))[1],
    max(s.id) filter (where s.type = 'codegen_done'),
    max(s.created_at) filter (where s.ends),
    (array_agg(s.type order by s.id desc) filter (where s.ends))[1],
    (array_agg(s.verdict order by s.id desc) filter (where s.ends))[1],
    (array_agg(s.route order by s.id desc) filter (where s.ends))[1],
    coalesce(bool_or(s.verdict = 'failed') filter (where s.ends), false),
    max(s.id) filter (where s.ends)
  from (
    select e.id, e.trace_id, e.type, e.tenant, e.route, e.created_at, e.data ->> 'engine' as engine,
      public.cogo_deliverable_at(e.created_at, e.queued_ms, e.ran_ms) as began,
      public.cogo_ends_task(e.type, e.data) as ends,
      coalesce(e.data ->> 'verdict', case when e.type = 'codegen_done' then 'passed' else 'infrastructure' end) as verdict
    from public.bus_events e
    where e.type in ('execute_done', 'execute_failed', 'codegen_done', 'codegen_failed', 'buildtest_done', 'buildtest_failed')
      and e.created_at >= p_since
  ) s
  group by s.trace_id
  order by min(s.began);

  insert into public.gate_words (trace_id, gate, at, event_id, passed)
  select distinct on (w.trace_id, name) w.trace_id, name, w.created_at, w.id, w.passed
  from (
    select e.id, e.trace_id, e.created_at,
      e.type = 'gate_passed' or (e.type = 'buildtest_done' and e.data ->> 'verdict' = 'passed') as passed,
      public.cogo_gate_name(e.type, e.data) as gate
    from public.bus_events e
    where e.created_at >= p_since
      and (e.type in ('gate_passed', 'gate_failed') or (e.type = 'buildtest_done' and e.data ->> 'verdict' in ('passed', 'failed')))
  ) w
  cross join unnest(array['', w.gate]) name
  order by w.trace_id, name, w.id desc;
end $$;

do $$ begin
  if not exists (select 1 from pg_trigger where tgrelid = 'public.bus_events'::regclass and tgname = 'bus_events_figures') then
    create trigger bus_events_figures after insert on public.bus_events for each row
      when (new.type in ('execute_done', 'execute_failed', 'codegen_done', 'codegen_failed', 'buildtest_done', 'buildtest_failed',
        'gate_passed', 'gate_failed'))
      execute function public.cogo_note_figures();
    perform public.cogo_rebuild_figures();
  end if;
end $$;

-- Tasks that ended in a span of time, and those that began in it and still run (ended_at is null). One row a trace.
create or replace function public.cogo_task_outcomes(p_since timestamptz, p_until timestamptz)
returns table (trace_id text, tenant text, route text, engine text, started_at timestamptz, ended_at timestamptz,
  ended_by text, verdict text, dispatched boolean, changed boolean)
language sql stable parallel safe as $$
  select t.trace_id, t.tenant, t.route, t.engine, t.started_at, t.ended_at, t.ended_by, t.verdict, t.dispatched, t.changed
  from public.task_outcomes t
  where t.ended_at >= p_since and t.ended_at < p_until
  union all
  select t.trace_id, t.tenant, t.route, t.engine, t.started_at, null, null, null, t.dispatched, t.changed
  from public.task_outcomes t
  where t.ended_at is null and t.started_at >= p_since and t.started_at < p_until
$$;

-- Tells those who watch a run, over channel cogo_runs, that its trace has a new event: of the run itself, or what its steps
-- say while they work. A NOTIFY makes commits wait for each other, so events of other traces send none.
create or replace function public.cogo_tell_watchers() returns trigger
language plpgsql as $$
begin
  if new.route = 'workflow/run/0'
    or exists (select 1 from public.workflow_runs r where r.trace_id = new.trace_id and r.status = 'running') then
    perform pg_notify('cogo_runs', new.trace_id);
  end if;
  return null;
end $$;
create or replace trigger bus_events_tell after insert on public.bus_events for each row
  when (new.route = 'workflow/run/0' or new.type like '%\_progress' or new.type like '%\_retry')
  execute function public.cogo_tell_watchers();

-- What left with retention: the runs that ended longer ago, with their steps and keys, and what figures were computed from.
create index if not exists workflow_runs_ended on public.workflow_runs (ended_at) where ended_at is not null;
create index if not exists workflow_keys_run on public.workflow_keys (run_id);

-- Deletes up to p_limit runs that ended more than `keep` ago, the oldest first, with their steps and idempotency keys; a run
-- that somebody changes just now is left for the next time. Returns how many.
create or replace function public.cogo_prune_workflows(keep interval, p_limit int default 500) returns int
language sql volatile as $$
  with gone as (
    delete from public.workflow_runs r
    where r.run_id in (
      select o.run_id from public.workflow_runs o
      where o.ended_at < statement_timestamp() - keep
      order by o.ended_at limit p_limit for update skip locked)
    returning 1
  )
  select count(*)::int from gone
$$;

-- Deletes up to p_limit rows of each kind that figures were computed from and that are older than `keep`. Returns how many.
create or replace function public.cogo_prune_figures(keep interval, p_limit int default 5000) returns int
language sql volatile as $$
  with attempts as (
    delete from public.attempt_results where (at, event_id) in (
      select at, event_id from public.attempt_results
      where at < statement_timestamp() - keep order by at limit p_limit for update skip locked)
    returning 1
  ), words as (
    delete from public.gate_words where (trace_id, gate) in (
      select trace_id, gate from public.gate_words
      where at < statement_timestamp() - keep order by at limit p_limit for update skip locked)
    returning 1
  ), ended as (
    delete from public.task_outcomes where trace_id in (
      select trace_id from public.task_outcomes
      where ended_at < statement_timestamp() - keep order by ended_at limit p_limit for update skip locked)
    returning 1
  ), lost as (
    delete from public.task_outcomes where trace_id in (
      select trace_id from public.task_outcomes
      where ended_at is null and started_at < statement_timestamp() - keep order by started_at limit p_limit for update skip locked)
    returning 1
  )
  select ((select count(*) from attempts) + (select count(*) from words) + (select count(*) from ended) + (select count(*) from lost))::int
$$;

-- Gates of runs are kept as all gates are: with a name, rules by `name`, and a word where there is no figure.
update public.workflow_runs r
set gate = jsonb_build_object('gate', 'workflow', 'verdict', r.gate -> 'verdict', 'rules', (
  select coalesce(jsonb_agg((one.rule - 'rule') || jsonb_build_object('name', one.rule -> 'rule',
    'actual', coalesce(nullif(one.rule -> 'actual', 'null'), '"no data"')) order by one.place), '[]')
  from jsonb_array_elements(r.gate -> 'rules') with ordinality one (rule, place)))
where jsonb_typeof(r.gate) = 'object' and not r.gate ? 'gate';

-- What a trace says about itself: its span, its task, and the last event that ends it. No row when nothing has this trace
-- id. codegen_done ends a trace only when nothing was published to a build-test route, indexing_done only
-- when nothing was published to a codegen route; the trace of a workflow's run ends as
-- the run does, whatever its steps come to on the way. Reads bus_events and messages, those of finished days too,
-- by their trace_id indexes, in every partition; planned once a connection, since with many partitions planning takes
-- many times what running it does.
create or replace function public.cogo_trace_summary(p_trace text)
returns table (started_at timestamptz, task_id text, ended_by text, verdict text, reason text, ended_at timestamptz)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  tested boolean;
  changed boolean;
  run_status text := (select r.status from public.workflow_runs r where r.trace_id = p_trace order by r.run_id desc limit 1);
  first_event timestamptz;
  event_task text;
  ending jsonb;
begin
  select min(m.created_at), (array_agg(m.payload ->> 'task_id' order by m.id desc) filter (where m.payload ? 'task_id'))[1], bool_or(m.role = 'build-test'),
      bool_or(m.role = 'generate')
    into started_at, task_id, tested, changed
    from public.agent_messages_all m where m.trace_id = p_trace;

  -- Nothing happens to a message before it is there: with that, older partitions are not even looked at.
  select min(e.created_at),
      (array_agg(e.data ->> 'task_id' order by e.id desc) filter (where e.data ? 'task_id'))[1],
      (array_agg(jsonb_build_object('type', e.type, 'verdict', e.data -> 'verdict', 'reason', e.data -> 'reason', 'at', e.created_at) order by e.id desc)
        filter (where case
          when run_status is not null then run_status <> 'running' and e.type in ('workflow_done', 'workflow_failed', 'workflow_cancelled')
          else e.type in ('buildtest_done', 'execute_failed', 'codegen_failed', 'buildtest_failed')
            or (e.type like '%\_failed' and e.data ? 'verdict')
            or (e.type = 'codegen_done' and tested is not true)
            or (e.type = 'indexing_done' and changed is not true) end))[1]
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

-- The messages, events, artifacts and workflow steps of a trace, and the spans of its attempts, oldest first; with p_after only
-- events with a higher id. A payload's patch is left out, and so is the whole payload when it is longer than 16 KiB without
-- it. A span is what an event that ends an attempt tells of it: from its claim, ran_ms long. Every table is read once, by its
-- trace_id index, bus_events and messages in every partition, those of finished days too; planned once a connection, since with many partitions
-- planning takes many times what running it does.
create or replace function public.cogo_trace_timeline(p_trace text, p_after bigint, p_limit bigint)
returns table (at timestamptz, kind text, id bigint, type text, route text, message_id bigint, attempt int, worker text, data text,
  tenant text, queued_ms bigint, ran_ms bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
  messages public.agent_messages_all[];
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

  messages := array(select m from public.agent_messages_all m where m.trace_id = p_trace order by m.id limit p_limit);
  first_message := (select min(m.created_at) from unnest(messages) m);
  return query
    select one.at, one.kind, case one.kind when 'event' then e.id end, case one.kind when 'event' then e.type else 'span' end,
      e.route, e.message_id, e.attempt, e.worker,
      case one.kind when 'event' then nullif(e.data, '{}')::text
        else jsonb_build_object('name', 'handle ' || e.route, 'event_id', e.id, 'event', e.type, 'ended_at', e.created_at)::text end,
      e.tenant, e.queued_ms, e.ran_ms
    from public.bus_events e
    cross join lateral (values
      ('event', e.created_at),
      ('span', case when e.ran_ms is not null then e.created_at - make_interval(secs => e.ran_ms / 1000.0) end)
    ) one (kind, at)
    where e.trace_id = p_trace and e.created_at >= coalesce(first_message - interval '1 day', '-infinity') and one.at is not null
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
    union all
    select s.started_at, 'step', null, 'step', s.route, s.message_id, s.attempt, null,
      jsonb_strip_nulls(jsonb_build_object('run_id', s.run_id, 'step', s.step, 'name', s.name, 'repair', s.repair, 'status', s.status,
        'verdict', s.verdict, 'code', s.code, 'reason', s.reason, 'task_id', s.task_id, 'ended_at', s.ended_at))::text,
      r.tenant, null, round(extract(epoch from s.ended_at - s.started_at) * 1000)::bigint
    from public.workflow_runs r
    join public.workflow_steps s on s.run_id = r.run_id
    where r.trace_id = p_trace
    order by 1, 2, 3, 9
    limit p_limit;
end $$;
