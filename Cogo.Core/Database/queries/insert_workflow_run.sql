-- A new run, not yet with a step. Locks nothing but its own row.
insert into public.workflow_runs (run_id, template, tenant, trace_id, task_id, request, max_repairs, repairs_left)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $7)
