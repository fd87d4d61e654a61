-- The statements of publisher, claim and acknowledgement, a batch each. The payload is read but not sent.
insert into agent_messages (service, role, shard, payload)
select 'bench', 'ceiling', '0', jsonb_build_object('pad', repeat('x', :bytes)) from generate_series(1, :batch);
select min(fence) as fence, array_agg(message_id) as ids, count(*) as claimed, sum(length(payload)) as bytes_read
from cogo_claim(cogo_lane('bench', 'ceiling', '0'), 1, :batch) \gset
select count(*) as refused from cogo_acknowledge(1, :fence, :ids::bigint[]) \gset
-- A batch that was not claimed and acknowledged whole divides by zero, which ends the run.
\set whole 1 / (case when :claimed = :batch and :refused = 0 then 1 else 0 end)
