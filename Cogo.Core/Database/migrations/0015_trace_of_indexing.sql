-- A trace of indexing alone ends, too. Safe to apply by hand, and to apply again.

-- What a trace says about itself: its span, its task, and the last event that ends it. No row when nothing has this trace
-- id. codegen_done ends a trace only when nothing was published to a build-test route, indexing_done only
-- when nothing was published to a codegen route; the trace of a workflow's run ends as
-- the run does, whatever its steps come to on the way. Reads bus_events and agent_messages
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
    from public.agent_messages m where m.trace_id = p_trace;

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
