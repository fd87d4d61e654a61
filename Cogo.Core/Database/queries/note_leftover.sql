-- Writes an object down that no artifact names. Locks that one row, by primary key.
-- $1 storage, $2 object, $3 upload or null
INSERT INTO public.artifact_leftovers AS l (storage, object_key, upload_id)
VALUES ($1, $2, $3)
ON CONFLICT (storage, object_key) DO UPDATE SET upload_id = excluded.upload_id
