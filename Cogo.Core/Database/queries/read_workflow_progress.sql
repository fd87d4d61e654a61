-- What the steps of a run say while they work, after event $2. Takes no lock; index bus_events_trace.
select id, type, created_at, data::text
from public.bus_events
where trace_id = $1 and id > $2 and (type like '%\_progress' or type like '%\_retry')
order by id
limit $3
