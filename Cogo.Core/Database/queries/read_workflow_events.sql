-- The events of a run after number $3, in order. Takes no lock; index bus_events_trace.
-- $1 trace, $2 run, $3 number, $4 limit
select number, type, created_at, data::text
from (
  select case when jsonb_typeof(data -> 'seq') = 'number' then (data ->> 'seq')::numeric::int end as number, type, created_at, data
  from public.bus_events
  where trace_id = $1 and data ->> 'run_id' = $2
) as event
where number > $3
order by number
limit $4
