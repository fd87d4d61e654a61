-- Begins a step of a run that the caller has locked; $8 is its message.
insert into public.workflow_steps (run_id, step, name, attempt, repair, route, task_id, message_id)
values ($1, $2, $3, $4, $5, $6, $7, $8)
