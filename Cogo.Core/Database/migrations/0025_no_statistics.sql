-- The ids of claims and acknowledgements are read with their claim; no plan is chosen by what they hold. A busy server
-- gathered statistics of them every few seconds, hundreds of ids a row, which took seconds of a processor each time.
-- Safe to apply by hand, and to apply again.
alter table public.bus_claims alter column ids set statistics 0, alter column deferred set statistics 0;
alter table public.bus_acks alter column ids set statistics 0;
