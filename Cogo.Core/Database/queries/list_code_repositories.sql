-- A page of indexed repositories by location, by its unique index. Takes no lock.
-- $1 location of the last row of the page before or null, $2 limit
SELECT id, location, commit_id, files, lines, symbols, names, skipped, indexed_at
FROM public.code_repositories
WHERE $1::text IS NULL OR location > $1
ORDER BY location
LIMIT $2
