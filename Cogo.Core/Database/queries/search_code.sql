-- A page of symbols and files, best first. By the indexes on names, words and, where there are, trigrams. Takes no lock.
-- Every score comes from the row alone, so that pages fit together.
-- $1 repository or null, $2 text, $3 tsquery, $4 type or null, $5-$7 score, type and id of the last row of the page before
-- or null, $8 limit
WITH found AS (
    SELECT s.id FROM public.code_symbols s
    WHERE ($1::bigint IS NULL OR s.repository_id = $1) AND lower(s.name) LIKE replace(replace(replace(lower($2), '\', '\\'), '%', '\%'), '_', '\_') || '%'
    UNION
    SELECT s.id FROM public.code_symbols s
    WHERE ($1::bigint IS NULL OR s.repository_id = $1) AND array_to_tsvector(s.words) @@ $3::tsquery
),
alike AS (
    SELECT a.id, a.score FROM public.cogo_similar_symbols($1, $2) a WHERE $2 ~ '^\S{3,64}$'
),
hits AS (
    SELECT 'symbol' AS type, s.id,
        (CASE WHEN s.name = $2 THEN 1.0 WHEN lower(s.name) = lower($2) THEN 0.95
              WHEN f.id IS NULL THEN least(a.score, 0.59)
              WHEN starts_with(lower(s.name), lower($2)) THEN 0.8 ELSE 0.6 END
         + CASE WHEN s.kind IN ('class', 'record', 'record struct', 'struct', 'interface', 'enum', 'method', 'function') THEN 0.01 ELSE 0 END)::numeric(7, 4) AS score
    FROM public.code_symbols s
    LEFT JOIN found f ON f.id = s.id
    LEFT JOIN alike a ON a.id = s.id
    WHERE $4::text IS DISTINCT FROM 'file' AND s.id IN (SELECT id FROM found UNION SELECT id FROM alike)
    UNION ALL
    SELECT 'file', f.id,
        (CASE WHEN lower(f.path) = lower($2) THEN 0.98 WHEN right(lower(f.path), length($2) + 1) = '/' || lower($2) THEN 0.9
              WHEN position(lower($2) IN lower(f.path)) > 0 THEN 0.7 ELSE 0.3 END)::numeric(7, 4)
    FROM public.code_files f
    WHERE $4::text IS DISTINCT FROM 'symbol' AND ($1::bigint IS NULL OR f.repository_id = $1) AND array_to_tsvector(f.words) @@ $3::tsquery
),
page AS (
    SELECT type, id, score FROM hits
    WHERE $5::text IS NULL OR score < $5::numeric OR (score = $5::numeric AND (type, id) > ($6::text, $7::bigint))
    ORDER BY score DESC, type, id
    LIMIT $8
)
SELECT p.type, p.id, p.score, r.location, f.path, s.name, s.kind, s.container, s.signature, s.line, s.end_line, f.language
FROM page p
LEFT JOIN public.code_symbols s ON p.type = 'symbol' AND s.id = p.id
JOIN public.code_files f ON f.id = CASE WHEN p.type = 'symbol' THEN s.file_id ELSE p.id END
JOIN public.code_repositories r ON r.id = f.repository_id
ORDER BY p.score DESC, p.type, p.id
