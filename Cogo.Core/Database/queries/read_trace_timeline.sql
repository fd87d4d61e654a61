-- The messages and events of a trace, oldest first. Takes no lock; reads both tables by their trace_id indexes.
-- A payload's patch is left out, and so is the whole payload when it is longer than 16 KiB without it.
-- $1 trace, $2 only events with a higher id than this, and no messages; or null, $3 limit
SELECT created_at, 'event', id, type, route, message_id, attempt, worker, nullif(data, '{}')::text
FROM public.bus_events
WHERE trace_id = $1 AND ($2::bigint IS NULL OR id > $2)
UNION ALL
SELECT m.created_at, 'message', m.id, 'message', m.service || '/' || m.role || '/' || m.shard, m.id, NULL, NULL,
       jsonb_strip_nulls(jsonb_build_object(
           'idempotency_key', m.idempotency_key, 'tenant', m.tenant, 'priority', m.priority,
           'max_attempts', m.max_attempts, 'not_before', m.not_before, 'expires_at', m.expires_at,
           'payload', CASE WHEN octet_length(shown.payload::text) <= 16384 THEN shown.payload END))::text
FROM public.agent_messages AS m
CROSS JOIN LATERAL (
    SELECT CASE WHEN jsonb_typeof(m.payload) = 'object' THEN m.payload - 'patch' ELSE m.payload END AS payload
) AS shown
WHERE m.trace_id = $1 AND $2::bigint IS NULL
ORDER BY 1, 2, 3
LIMIT $3
