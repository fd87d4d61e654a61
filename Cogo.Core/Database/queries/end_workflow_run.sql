-- Ends a run that the caller has locked. $2 status, $3 code, $4 reason, $5 gate
update public.workflow_runs
set status = $2, code = $3, reason = $4, gate = $5::jsonb, ended_at = clock_timestamp()
where run_id = $1
