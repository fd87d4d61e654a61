-- A page of the declarations of a name. By the index on lower(name). Takes no lock.
-- $1 repository or null, $2 name, $3 id of the last row of the page before or null, $4 limit
SELECT s.id, r.location, f.path, s.kind, s.container, s.signature, s.name, s.line, s.end_line
FROM public.code_symbols s
JOIN public.code_files f ON f.id = s.file_id
JOIN public.code_repositories r ON r.id = s.repository_id
WHERE lower(s.name) = lower($2) AND s.name = $2 AND ($1::bigint IS NULL OR s.repository_id = $1) AND ($3::bigint IS NULL OR s.id > $3)
ORDER BY s.id
LIMIT $4
