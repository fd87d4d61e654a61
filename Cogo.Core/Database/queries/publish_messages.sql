-- Appends ordinary messages in the order given. Takes no lock but its own rows'.
insert into public.agent_messages
  (service, role, shard, tenant, payload, trace_id, trace_parent, priority, max_attempts, not_before, expires_at)
select m.service, m.role, m.shard, m.tenant, m.payload::jsonb, m.trace_id, m.trace_parent, m.priority, coalesce(m.max_attempts, 5),
  clock_timestamp() + m.delay, clock_timestamp() + m.ttl
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::smallint[], $9::smallint[],
    $10::interval[], $11::interval[])
  with ordinality as m (service, role, shard, tenant, payload, trace_id, trace_parent, priority, max_attempts, delay, ttl, place)
order by m.place
returning id, lane
