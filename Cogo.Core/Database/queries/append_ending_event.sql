-- Appends an audit event of an attempt that ends, with how long it ran since its claim and, of a first attempt, how long
-- its message had waited for the claim.
-- $1 trace, $2 type, $3 message, $4 route, $5 attempt, $6 worker, $7 data, $8 tenant or null, $9 claim, $10 created_at of the message
insert into public.bus_events (trace_id, type, message_id, route, attempt, worker, data, tenant, queued_ms, ran_ms)
values ($1, $2, $3, $4, $5, $6, $7, $8,
  case when $5 = 1 then (
    select greatest(0, round(extract(epoch from c.claimed_at - coalesce(
      public.cogo_held_back_until($1, $3, $10), $10)) * 1000))
    from public.bus_claims c where c.claim_id = $9) end,
  (select greatest(0, round(extract(epoch from clock_timestamp() - c.claimed_at) * 1000)) from public.bus_claims c where c.claim_id = $9))
