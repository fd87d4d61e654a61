-- Takes the repository for a run, when no other run is alive. Locks that one row, by primary key.
-- $1 repository, $2 run, $3 time the run may be silent
UPDATE public.code_repositories SET run = $2, run_until = now() + $3
WHERE id = $1 AND (run IS NULL OR run_until < now())
