-- What runs, and what came of the runs of the last day: counts by status, and running steps by name. Takes no lock.
-- Indexes workflow_runs_status (a run's id begins with its time) and workflow_steps_running.
select 'run', status, count(*), min(created_at)
from public.workflow_runs
where status = 'running' or run_id >= $1
group by status
union all
select 'step', name, count(*), min(started_at)
from public.workflow_steps
where status = 'running'
group by name
order by 1, 2
