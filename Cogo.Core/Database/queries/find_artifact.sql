-- One artifact's row, by primary key. Takes no lock.
-- $1 path
SELECT path, task_id, trace_id, bytes, sha256, content_type, storage, created_at, expires_at, object_key
FROM public.artifacts
WHERE path = $1
