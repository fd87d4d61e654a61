-- Takes or renews the leadership of the schedules, and says how long it is until the next run. Locks the leader's row.
-- $1 leadership, $2 holder, $3 lease
select public.cogo_lead($1, $2, $3),
  (select greatest(min(s.next_run_at) - clock_timestamp(), interval '0') from public.job_schedules s where s.next_run_at < 'infinity')
