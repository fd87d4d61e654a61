-- A page of the files that use a name. By the index on name. Takes no lock.
-- $1 repository or null, $2 name, $3 file of the last row of the page before or null, $4 limit
SELECT u.file_id, r.location, f.path, u.occurrences, u.lines
FROM public.code_references u
JOIN public.code_files f ON f.id = u.file_id
JOIN public.code_repositories r ON r.id = u.repository_id
WHERE u.name = $2 AND ($1::bigint IS NULL OR u.repository_id = $1) AND ($3::bigint IS NULL OR u.file_id > $3)
ORDER BY u.file_id
LIMIT $4
