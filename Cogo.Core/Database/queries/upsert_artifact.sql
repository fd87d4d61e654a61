-- Records a stored file; a repeated attempt replaces its earlier row. Locks that one row, by primary key.
-- $1 path, $2 task, $3 trace, $4 bytes, $5 sha256, $6 content type, $7 storage, $8 time to live or null
INSERT INTO public.artifacts AS a (path, task_id, trace_id, bytes, sha256, content_type, storage, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8)
ON CONFLICT (path) DO UPDATE
SET task_id = excluded.task_id,
    trace_id = excluded.trace_id,
    bytes = excluded.bytes,
    sha256 = excluded.sha256,
    content_type = excluded.content_type,
    storage = excluded.storage,
    created_at = now(),
    expires_at = excluded.expires_at
