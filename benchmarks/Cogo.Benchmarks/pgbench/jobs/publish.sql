-- Jobs as they are enqueued: messages of the queue's route, with their type beside the payload.
insert into agent_messages (service, role, shard, payload)
select 'jobs', 'default', '0', jsonb_build_object('type', 'bench.work', 'payload', jsonb_build_object('pad', repeat('x', :bytes)))
from generate_series(1, :batch);
