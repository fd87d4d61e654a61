-- The fence of every write of a run: no row when another run has taken the repository. Its lock on the row lasts until the
-- transaction ends, so that two runs cannot write at once. By primary key.
-- $1 repository, $2 run, $3 time the run may be silent
UPDATE public.code_repositories SET run_until = now() + $3 WHERE id = $1 AND run = $2
