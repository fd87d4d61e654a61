-- For each word the files that have it, at most so many a word. By the index on words. Takes no lock.
-- $1 repository, $2 words, $3 most a word
SELECT w.word, f.path, f.blob
FROM unnest($2::text[]) AS w (word)
CROSS JOIN LATERAL (
    SELECT x.path, x.blob FROM public.code_files x
    WHERE x.repository_id = $1 AND array_to_tsvector(x.words) @@ w.word::tsquery
    ORDER BY x.id
    LIMIT $3
) AS f
