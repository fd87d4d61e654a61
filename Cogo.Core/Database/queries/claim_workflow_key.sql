-- Takes an idempotency key for a run, or says whose it is. A second request waits here for the first one's commit.
insert into public.workflow_keys (key, fingerprint, run_id) values ($1, $2, $3)
on conflict (key) do update set key = excluded.key
returning run_id, fingerprint = $2 as same, (xmax = 0) as fresh
