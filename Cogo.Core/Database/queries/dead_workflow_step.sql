-- How a step ended whose reply did not arrive: a reply that was given up itself, else the message that was. Takes no lock;
-- index dead_letters_trace. $1 trace, $2 token
select (service = 'workflow' and role = 'run'), payload::text, code, reason, message_id
from public.dead_letters
where trace_id = $1 and (payload -> 'reply' ->> 'token' = $2 or (service = 'workflow' and role = 'run' and payload ->> 'token' = $2))
order by 1 desc, id desc
limit 1
