-- Jobs that were given up, newest first. Takes no lock.
-- $1 type prefix or null, $2 limit
select job_id, type, queue, error_code, error, attempts, tenant, replayed_as, created_at, trace_id
from public.jobs_dlq
where $1::text is null or starts_with(type, $1)
order by id desc
limit $2
