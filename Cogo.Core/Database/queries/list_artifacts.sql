-- A page of artifacts, newest first, after the last row of the page before. Takes no lock.
-- $1 task or null, $2 created_at of that row or null, $3 its path or null, $4 limit
SELECT path, task_id, trace_id, bytes, sha256, content_type, storage, created_at, expires_at, object_key
FROM public.artifacts
WHERE ($1::text IS NULL OR task_id = $1)
  AND ($2::timestamptz IS NULL OR (created_at, path) < ($2, $3))
ORDER BY created_at DESC, path DESC
LIMIT $4
