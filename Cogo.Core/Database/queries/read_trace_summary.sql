-- What a trace says about itself: its span, its task, and the last event that ends it. Takes no lock; reads
-- bus_events and agent_messages by their trace_id indexes.
-- codegen_done ends a trace only when nothing was published to a build-test route. The trace of a workflow's run ends as the
-- run does, whatever its steps come to on the way.
-- $1 trace
SELECT
    least((SELECT min(created_at) FROM public.agent_messages WHERE trace_id = $1),
          (SELECT min(created_at) FROM public.bus_events WHERE trace_id = $1)) AS started_at,
    coalesce((SELECT payload ->> 'task_id' FROM public.agent_messages
              WHERE trace_id = $1 AND payload ? 'task_id' ORDER BY id DESC LIMIT 1),
             (SELECT data ->> 'task_id' FROM public.bus_events
              WHERE trace_id = $1 AND data ? 'task_id' ORDER BY id DESC LIMIT 1)) AS task_id,
    ending.type, ending.data ->> 'verdict', ending.data ->> 'reason', ending.created_at
FROM (SELECT (SELECT status FROM public.workflow_runs WHERE trace_id = $1 ORDER BY run_id DESC LIMIT 1) AS status) AS run
LEFT JOIN LATERAL (
    SELECT type, data, created_at
    FROM public.bus_events
    WHERE trace_id = $1
      AND (run.status <> 'running' AND type IN ('workflow_done', 'workflow_failed', 'workflow_cancelled')
           OR run.status IS NULL AND (type IN ('buildtest_done', 'execute_failed', 'codegen_failed', 'buildtest_failed')
           OR (type LIKE '%\_failed' AND data ? 'verdict')
           OR (type = 'codegen_done'
               AND NOT EXISTS (SELECT FROM public.agent_messages WHERE trace_id = $1 AND role = 'build-test'))))
    ORDER BY id DESC
    LIMIT 1
) AS ending ON true
