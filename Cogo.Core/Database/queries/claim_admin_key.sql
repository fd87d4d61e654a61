-- Takes a key, or waits for whoever has it and returns no row; forgets keys of more than a week.
-- $1 key, $2 fingerprint
with forgotten as (
  delete from public.admin_keys where created_at < clock_timestamp() - interval '7 days' and key <> $1
)
insert into public.admin_keys as k (key, fingerprint) values ($1, $2)
on conflict (key) do update set fingerprint = excluded.fingerprint, answer = null, created_at = clock_timestamp()
  where k.created_at < clock_timestamp() - interval '7 days'
returning k.key
