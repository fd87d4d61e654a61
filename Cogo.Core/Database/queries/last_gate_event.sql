-- A gate's last word on a repository. Takes no lock; index bus_events_type. $1 gate, $2 repository
select type, trace_id, data::text
from public.bus_events
where type in ('gate_passed', 'gate_failed') and created_at > clock_timestamp() - interval '90 days'
  and data ->> 'gate' = $1 and data ->> 'repo' = $2
order by created_at desc, id desc
limit 1
