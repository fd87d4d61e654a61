-- Objects that no artifact names and that are older than $2: an upload that still runs is not among them. Takes no lock.
-- $1 storage, $2 age, $3 limit
SELECT object_key, upload_id
FROM public.artifact_leftovers
WHERE storage = $1 AND created_at < now() - $2
ORDER BY created_at
LIMIT $3
