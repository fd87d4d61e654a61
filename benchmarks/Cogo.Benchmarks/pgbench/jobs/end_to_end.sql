-- The statements of enqueueing, claim and end, a batch each: an ordinary job that succeeds without a result leaves the rows
-- of its message, its claim and its acknowledgement. The payload is read but not sent.
insert into agent_messages (service, role, shard, payload)
select 'jobs', 'default', '0', jsonb_build_object('type', 'bench.work', 'payload', jsonb_build_object('pad', repeat('x', :bytes)))
from generate_series(1, :batch);
select min(fence) as fence, array_agg(message_id) as ids, count(*) as claimed, sum(length(payload)) as bytes_read
from cogo_claim_jobs(cogo_lane('jobs', 'default', '0'), 'default', 1, :batch) \gset
select count(*) as refused from cogo_acknowledge(1, :fence, :ids::bigint[]) \gset
-- A batch that was not claimed and ended whole divides by zero, which ends the run.
\set whole 1 / (case when :claimed = :batch and :refused = 0 then 1 else 0 end)
