-- Returns when nobody is about to replace this path's file and row; the next statement sees what they left.
-- $1 path
SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 2020))
