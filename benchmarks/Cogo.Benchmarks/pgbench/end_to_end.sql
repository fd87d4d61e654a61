-- The statements of publisher, claim and acknowledgement, a batch each. The payload is read but not sent.
insert into agent_messages (service, role, shard, payload)
select 'bench', 'ceiling', '0', jsonb_build_object('pad', repeat('x', :bytes)) from generate_series(1, :batch);
select array_agg(fence) as fences, array_agg(message_id) as ids, sum(length(payload)) as bytes_read
from cogo_claim(cogo_lane('bench', 'ceiling', '0'), 1, :batch) \gset
select count(*) as acknowledged from cogo_finish(1, :fences::bigint[], :ids::bigint[]) \gset
-- A batch that was not acknowledged whole divides by zero, which ends the run.
\set whole 1 / (case when :acknowledged = :batch then 1 else 0 end)
