-- The repository's row, made when it is new. Locks that one row, by its unique location.
-- $1 location
INSERT INTO public.code_repositories AS r (location) VALUES ($1)
ON CONFLICT (location) DO UPDATE SET location = excluded.location
RETURNING r.id, r.tree_key, r.commit_id, r.files, r.lines, r.symbols, r.names, r.skipped
