-- Records a stored file and hands out where the one before it was; no row when there was none. Locks that one row, by
-- primary key, and wants lock_artifact.sql before it, or the one before may be another.
-- $1 path, $2 task, $3 trace, $4 bytes, $5 sha256, $6 content type, $7 storage, $8 time to live or null, $9 object or null
WITH replaced AS (
  SELECT storage, object_key FROM public.artifacts WHERE path = $1
), saved AS (
  INSERT INTO public.artifacts AS a (path, task_id, trace_id, bytes, sha256, content_type, storage, expires_at, object_key)
  VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8, $9)
  ON CONFLICT (path) DO UPDATE
  SET task_id = excluded.task_id,
      trace_id = excluded.trace_id,
      bytes = excluded.bytes,
      sha256 = excluded.sha256,
      content_type = excluded.content_type,
      storage = excluded.storage,
      created_at = now(),
      expires_at = excluded.expires_at,
      object_key = excluded.object_key
)
SELECT storage, object_key FROM replaced
