-- Holds everybody else off this path's file and row until the transaction ends.
-- $1 path
SELECT pg_advisory_xact_lock(hashtextextended($1, 2020))
