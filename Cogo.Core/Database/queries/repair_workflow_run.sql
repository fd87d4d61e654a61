-- Uses one repair up. The caller has locked the run.
update public.workflow_runs set attempt = $2, repairs_left = repairs_left - 1 where run_id = $1
