-- Lets the statements that follow in the same batch sort in memory, and keeps Postgres from compiling them, which takes
-- longer than they do. Until the end of the batch's transaction.
select set_config('work_mem', '64MB', true), set_config('jit', 'off', true)
