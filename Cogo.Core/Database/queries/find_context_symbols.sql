-- For each word the symbols that have it, at most so many a word. By the index on words. Takes no lock.
-- $1 repository, $2 words, $3 most a word
SELECT w.word, s.id, s.name, s.kind, s.signature, s.line, f.path, f.blob, s.container
FROM unnest($2::text[]) AS w (word)
CROSS JOIN LATERAL (
    SELECT x.* FROM public.code_symbols x
    WHERE x.repository_id = $1 AND array_to_tsvector(x.words) @@ w.word::tsquery AND x.kind <> 'namespace'
    ORDER BY x.id
    LIMIT $3
) AS s
JOIN public.code_files f ON f.id = s.file_id
