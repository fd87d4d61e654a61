-- Whether a step still runs, as far as its run is concerned. Takes no lock; primary key.
select exists (select 1 from public.workflow_steps where run_id = $1 and step = $2 and status = 'running')
