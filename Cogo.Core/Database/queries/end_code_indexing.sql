-- The end of a run: what is indexed now. Counts the repository's files by their unique index.
-- $1 repository, $2 run, $3 tree key, $4 commit, $5 files left out
UPDATE public.code_repositories r
SET run = NULL, run_until = NULL, tree_key = $3, commit_id = $4, skipped = $5, indexed_at = now(),
    files = c.files, lines = c.lines, symbols = c.symbols, names = c.names
FROM (SELECT count(*)::int AS files, coalesce(sum(f.lines), 0) AS lines, coalesce(sum(f.symbols), 0) AS symbols, coalesce(sum(f.names), 0) AS names
      FROM public.code_files f WHERE f.repository_id = $1) AS c
WHERE r.id = $1 AND r.run = $2
RETURNING r.files, r.lines, r.symbols, r.names
