-- The rules of agent_messages as domains. A check of a table is read from its text and planned anew for every statement that
-- inserts, a domain's once a session; and a domain's error says the rule. The rules are those of before, so the rows there
-- need no new look. Safe to apply by hand, and to apply again.

do $$
declare
  route constant text := 'octet_length(value) between 1 and 63 and ascii(value) not in (45, 46, 95)
    and ltrim(textsend(value), ''etaoinsrhldcumfpgwybvkxjqz0123456789-._''::bytea) = ''''::bytea';
  domain record;
  old text;
begin
  for domain in
    select * from (values
      ('service', 'text', 'service: 1 to 63 of a-z 0-9 . _ -, the first of a-z 0-9', route),
      ('role', 'text', 'role: 1 to 63 of a-z 0-9 . _ -, the first of a-z 0-9', route),
      ('shard', 'text', 'shard: 1 to 63 of a-z 0-9 . _ -, the first of a-z 0-9', route),
      ('tenant', 'text', 'tenant: at most 200 characters', 'length(value) <= 200'),
      ('trace_id', 'text', 'trace_id: 32 lowercase hex digits',
        'octet_length(value) = 32 and ltrim(textsend(value), ''0123456789abcdef''::bytea) = ''''::bytea'),
      ('trace_parent', 'text', 'trace_parent: at most 100 characters', 'length(value) <= 100'),
      ('idempotency_key', 'text', 'idempotency_key: 1 to 300 characters', 'length(value) between 1 and 300'),
      ('priority', 'smallint', 'priority: -100 to 100', 'value between -100 and 100'),
      ('max_attempts', 'smallint', 'max_attempts: 1 to 1000', 'value between 1 and 1000')
    ) d (field, type, rule, condition)
  loop
    if to_regtype('public.cogo_message_' || domain.field) is null then
      execute format('create domain public.%I as %s constraint %I check (%s)',
        'cogo_message_' || domain.field, domain.type, domain.rule, domain.condition);
    end if;
  end loop;

  if not exists (select 1 from pg_constraint where conrelid = 'public.agent_messages'::regclass and conname = 'agent_messages_fields') then
    -- The casts check; that one of the fields is there is true of every row.
    alter table public.agent_messages add constraint agent_messages_fields check (num_nonnulls(
      service::public.cogo_message_service, role::public.cogo_message_role, shard::public.cogo_message_shard,
      tenant::public.cogo_message_tenant, trace_id::public.cogo_message_trace_id, trace_parent::public.cogo_message_trace_parent,
      idempotency_key::public.cogo_message_idempotency_key, priority::public.cogo_message_priority,
      max_attempts::public.cogo_message_max_attempts) > 0) not valid;
  end if;
  -- Days that have ended take no new rows.
  for old in
    select format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname)
    from pg_constraint c
    where c.conrelid in ('public.agent_messages'::regclass, 'public.agent_messages_past'::regclass) and c.contype = 'c' and c.conname like '%\_check'
  loop
    execute old;
  end loop;
end $$;
