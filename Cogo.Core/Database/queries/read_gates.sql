-- Gates by their last word on each trace, the verdict of build/test among them; the row without a gate is the last word
-- of all gates. Takes no lock; index bus_events_type.
-- $1 since, $2 until
with words as (
    select e.trace_id, e.id, e.type = 'gate_passed' as passed, coalesce(e.data ->> 'gate', 'unnamed') as gate
    from public.bus_events e
    where e.type in ('gate_passed', 'gate_failed') and e.created_at >= $1 and e.created_at < $2
    union all
    select e.trace_id, e.id, e.data ->> 'verdict' = 'passed', 'build-test'
    from public.bus_events e
    where e.type = 'buildtest_done' and e.data ->> 'verdict' in ('passed', 'failed') and e.created_at >= $1 and e.created_at < $2
      and e.tenant is distinct from 'expected-red'
), last_of_gate as (
    select distinct on (trace_id, gate) gate, passed from words order by trace_id, gate, id desc
), last_of_all as (
    select distinct on (trace_id) null::text as gate, passed from words order by trace_id, id desc
)
select gate, count(*) filter (where passed), count(*) filter (where not passed)
from (select * from last_of_gate union all select * from last_of_all) one
group by gate
order by gate nulls first
limit 200
