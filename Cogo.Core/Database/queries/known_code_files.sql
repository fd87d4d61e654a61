-- What is indexed of a repository, by its unique index. Takes no lock.
-- $1 repository
SELECT path, stamp FROM public.code_files WHERE repository_id = $1
