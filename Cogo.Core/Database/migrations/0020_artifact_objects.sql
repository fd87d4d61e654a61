-- Artifacts in an object store. Safe to apply by hand, and to apply again.

-- The object that holds the bytes. Each writing makes a new one, and this row says which counts: a reader never sees half
-- of one and half of another. Null where the storage has a place for each path, as a folder has.
alter table public.artifacts add column if not exists object_key text;

-- Objects that no artifact names: written down before an upload begins, and when another takes an object's place; struck
-- out when the upload counts, or when the object is gone. What a killed process leaves here is for the clean-up.
create table if not exists public.artifact_leftovers (
  storage    text        not null,
  object_key text        not null,
  -- Of an upload in parts that was not ended.
  upload_id  text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (storage, object_key)
);
create index if not exists artifact_leftovers_age on public.artifact_leftovers (created_at);
