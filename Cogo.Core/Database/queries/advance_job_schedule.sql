-- Notes the run of a schedule and when the next is, or why there is none. Locks its one row, by primary key.
-- $1 name, $2 this run or null, $3 next run or null, $4 problem or null
update public.job_schedules
set last_run_at = coalesce($2, last_run_at),
    next_run_at = coalesce($3, 'infinity'),
    problem = $4
where name = $1
