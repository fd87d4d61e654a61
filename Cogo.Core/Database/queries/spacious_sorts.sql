-- For the statements that follow in the same batch: they sort in memory, and read by their indexes in one process. Compiling
-- them, reading whole tables for the half of them that is in the window, and starting workers take longer than they do.
-- Until the end of the batch's transaction.
select set_config('work_mem', '64MB', true), set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true),
    set_config('max_parallel_workers_per_gather', '0', true)
