-- The object counts now, or is gone. Locks that one row, by primary key.
-- $1 storage, $2 object
DELETE FROM public.artifact_leftovers WHERE storage = $1 AND object_key = $2
