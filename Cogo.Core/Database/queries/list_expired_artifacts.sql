-- Artifacts whose own time is over, or that are older than $1; the oldest first. Takes no lock.
-- $1 age, $2 limit
SELECT path, task_id, trace_id, bytes, sha256, content_type, storage, created_at, expires_at, object_key
FROM public.artifacts
WHERE expires_at < now() OR created_at < now() - $1
ORDER BY created_at, path
LIMIT $2
