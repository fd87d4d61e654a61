-- Gives a repository back that a run did not finish. By primary key.
-- $1 repository, $2 run
UPDATE public.code_repositories SET run = NULL, run_until = NULL WHERE id = $1 AND run = $2
