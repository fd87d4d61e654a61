-- Ends the sessions whose lease ran out and takes back what they held, as workers do by themselves. Returns them.
with expired as materialized (
  select worker_id, session_id, host, pid, seen_at, lease_until
  from public.bus_sessions
  where ended_at is null and lease_until < clock_timestamp()
), ended as materialized (
  select count(*) as n from (select public.cogo_end_session(session_id, 'The worker''s lease ran out.') from expired) e
)
select expired.* from expired cross join ended order by lease_until
