-- One repository by its unique location. Takes no lock.
-- $1 location
SELECT id, location, commit_id, files, lines, symbols, names, skipped, indexed_at
FROM public.code_repositories
WHERE location = $1
