-- Lets a run that has ended go on with a new attempt and its whole bound of repairs. The caller has locked it.
update public.workflow_runs
set status = 'running', code = null, reason = null, gate = null, ended_at = null, attempt = $2, repairs_left = max_repairs
where run_id = $1
