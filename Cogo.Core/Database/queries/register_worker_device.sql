-- Says what a worker is and can do. Locks its one row, by primary key.
insert into public.worker_devices (worker_id, executor_id, queues, types, host, pid, os, processors, memory_bytes, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (worker_id) do update
set executor_id = excluded.executor_id,
    queues = excluded.queues,
    types = excluded.types,
    host = excluded.host,
    pid = excluded.pid,
    os = excluded.os,
    processors = excluded.processors,
    memory_bytes = excluded.memory_bytes,
    version = excluded.version,
    registered_at = excluded.registered_at
