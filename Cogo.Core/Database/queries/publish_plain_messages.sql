-- Appends messages that have a route and a payload and else the defaults, in the order given: a function scan gives
-- its rows in their order, and ids are drawn in it. Takes no lock but its own rows'.
insert into public.agent_messages (service, role, shard, payload, trace_id, trace_parent)
select m.service, m.role, m.shard, m.payload::jsonb, m.trace_id, m.trace_parent
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
  as m (service, role, shard, payload, trace_id, trace_parent)
returning id, lane
