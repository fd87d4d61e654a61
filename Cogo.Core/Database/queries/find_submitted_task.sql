-- What a message asked for, and whether a repeated request asks for the same; the task's name does not count,
-- since it is made up when the caller gives none. By primary key, takes no lock.
-- $1 message, $2 payload of the repeated request
SELECT payload ->> 'task_id', (payload - 'task_id') = ($2 - 'task_id')
FROM public.agent_messages
WHERE id = $1
