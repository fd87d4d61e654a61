-- Forgets one artifact. Locks its row, by primary key.
-- $1 path
DELETE FROM public.artifacts WHERE path = $1
