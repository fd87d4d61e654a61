-- Appends one message unless its idempotency key is known on its lane, a job's in its queue. Returns a row either way: the
-- key's primary key makes a second publisher wait for the first one's commit. $13 is what the key stands for; null: the payload.
with mine as (
  insert into public.bus_keys (lane, key, message_id, trace_id, payload)
  values (public.cogo_key_lane($1, $2, $3), $12, nextval(pg_get_serial_sequence('public.agent_messages', 'id')), $6, coalesce($13, md5($5::jsonb::text)))
  on conflict (lane, key) do update set key = excluded.key
  returning message_id, trace_id, payload, (xmax = 0) as fresh
), appended as (
  insert into public.agent_messages
    (id, service, role, shard, tenant, payload, trace_id, trace_parent, priority, max_attempts, not_before, expires_at, idempotency_key)
  select mine.message_id, $1, $2, $3, $4, $5::jsonb, $6, $7, $8, coalesce($9, 5), clock_timestamp() + $10, clock_timestamp() + $11, $12
  from mine where fresh
)
select message_id, public.cogo_lane($1, $2, $3) as lane, fresh, payload = coalesce($13, md5($5::jsonb::text)) as same, trace_id from mine
