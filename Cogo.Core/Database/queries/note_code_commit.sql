-- Another commit with the same files. By primary key; changes nothing while a run is at work.
-- $1 repository, $2 tree key, $3 commit
UPDATE public.code_repositories SET commit_id = $3 WHERE id = $1 AND tree_key = $2 AND commit_id <> $3 AND run IS NULL
