-- Empty partitions of days far ahead go: every claim opens all partitions, and two days ahead are kept ready.
-- Safe to apply by hand, and to apply again.
do $$
declare
  parent text;
  child text;
  far constant text := to_char((now() at time zone 'utc')::date + 2, 'YYYYMMDD');
  patience constant text := current_setting('lock_timeout');
  holds_rows boolean;
begin
  foreach parent in array array['agent_messages', 'bus_events'] loop
    begin
      -- The table alone, or not at all: below deadlock_timeout, so that nobody else's transaction ends for this.
      perform set_config('lock_timeout', '500ms', true);
      execute format('lock table public.%I in access exclusive mode', parent);
      for child in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = format('public.%I', parent)::regclass
          and c.relname ~ ('^' || parent || '_\d{8}$') and right(c.relname, 8) > far
      loop
        execute format('select exists (select 1 from public.%I)', child) into holds_rows;
        if not holds_rows then
          execute format('drop table public.%I', child);
        end if;
      end loop;
    exception when lock_not_available then
      raise notice '% is in use: its empty partitions of days ahead stay until their days have passed.', parent;
    end;
  end loop;
  perform set_config('lock_timeout', patience, true);
end $$;
