-- Takes or renews the leadership of the schedules, and says how long it is until the next run: null when nothing is scheduled. Locks the leader's row.
-- $1 leadership, $2 holder, $3 lease
select public.cogo_lead($1, $2, $3),
  (select case when min(s.next_run_at) is not null then greatest(min(greatest(s.next_run_at, timestamptz 'epoch')) - clock_timestamp(), interval '0') end from public.job_schedules s where s.next_run_at < 'infinity')
