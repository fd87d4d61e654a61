-- Forgets files with their symbols and references. By the unique index; the rest by the indexes on file_id.
-- $1 repository, $2 paths
DELETE FROM public.code_files WHERE repository_id = $1 AND path = ANY ($2)
