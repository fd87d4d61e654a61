-- A page of gate_fix events, newest first, each with the lint and coverage artifacts of its trace and those it names
-- itself. Takes no lock; indexes bus_events_type and artifacts_trace.
-- $1 created_at of the last row of the page before or null, $2 its id or null, $3 limit
select f.created_at, f.id, f.trace_id, f.data ->> 'gate', coalesce(f.data ->> 'task_id', a.task_id), nullif(f.data, '{}')::text, a.lint, a.coverage
from (
    select e.created_at, e.id, e.trace_id, e.data
    from public.bus_events e
    where e.type = 'gate_fix' and ($1::timestamptz is null or (e.created_at, e.id) < ($1, $2))
    order by e.created_at desc, e.id desc
    limit $3
) f
cross join lateral (
    select max(r.task_id) as task_id,
        coalesce(array_agg(r.path order by r.path) filter (where r.lint), '{}') as lint,
        coalesce(array_agg(r.path order by r.path) filter (where r.coverage), '{}') as coverage
    from (
        select p.task_id, p.path, p.path ~* '/(lint|eslint)[^/]*$|\.sarif$' as lint, p.path ~* '/[^/]*(coverage|cobertura|lcov)[^/]*$' as coverage
        from public.artifacts p where p.trace_id = f.trace_id
    ) r
) a
order by f.created_at desc, f.id desc
