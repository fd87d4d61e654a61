-- Appends a gate's event. $1 trace, $2 type, $3 worker, $4 data
insert into public.bus_events (trace_id, type, worker, data) values ($1, $2, $3, $4)
