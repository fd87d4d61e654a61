-- Ends a running step of a run that the caller has locked.
-- $3 status, $4 verdict, $5 code, $6 reason, $7 result
update public.workflow_steps
set status = $3, verdict = $4, code = $5, reason = $6, result = $7::jsonb, ended_at = clock_timestamp()
where run_id = $1 and step = $2 and status = 'running'
