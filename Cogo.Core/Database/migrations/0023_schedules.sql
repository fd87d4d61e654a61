-- A schedule that cannot run is set aside with its reason and comes back once it is corrected; and one that is written
-- in SQL needs no next_run_at. Safe to apply by hand, and to apply again.
alter table public.job_schedules add column if not exists problem text;
alter table public.job_schedules alter column next_run_at set default '-infinity';
comment on column public.job_schedules.next_run_at is
  'When it runs next. -infinity: the leader reckons it out of cron. infinity: it does not run; problem says why, when it was set aside.';
comment on column public.job_schedules.problem is 'Why the schedule was set aside; null while it runs. Correct the row, and it goes on.';

create or replace function public.cogo_schedule_corrected() returns trigger
language plpgsql as $$
begin
  -- Whoever writes a time means it.
  if new.next_run_at = old.next_run_at
    and (old.problem is not null or new.cron is distinct from old.cron)
    and (new.cron, new.type, new.queue, new.payload, new.priority, new.max_attempts, new.tenant)
      is distinct from (old.cron, old.type, old.queue, old.payload, old.priority, old.max_attempts, old.tenant)
  then
    new.next_run_at := '-infinity';
    new.problem := null;
  end if;
  return new;
end $$;

do $$ begin
  if not exists (select 1 from pg_trigger where tgrelid = 'public.job_schedules'::regclass and tgname = 'job_schedules_corrected') then
    create trigger job_schedules_corrected before update on public.job_schedules for each row
      execute function public.cogo_schedule_corrected();
  end if;
end $$;
