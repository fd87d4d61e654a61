-- Appends an audit event of one attempt.
-- $1 trace, $2 type, $3 message, $4 route, $5 attempt, $6 worker, $7 data, $8 tenant or null
insert into public.bus_events (trace_id, type, message_id, route, attempt, worker, data, tenant)
values ($1, $2, $3, $4, $5, $6, $7, $8)
