-- Requests of administrators that carried an Idempotency-Key, and what they were answered: the same key does nothing twice.
-- Safe to apply by hand, and to apply again.
create table if not exists public.admin_keys (
  key         text        primary key check (length(key) between 1 and 255),
  -- What was asked for, hashed: another request with the same key is refused.
  fingerprint text        not null,
  -- Null only within the transaction that carries it out.
  answer      jsonb,
  created_at  timestamptz not null default clock_timestamp()
);
create index if not exists admin_keys_created on public.admin_keys (created_at);
comment on table public.admin_keys is 'Idempotency keys of admin requests; a row is forgotten after a week.';
