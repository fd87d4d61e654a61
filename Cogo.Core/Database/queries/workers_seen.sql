-- The workers named in the last 1000 events of the past hour. Takes no lock; reads the end of the primary key.
SELECT worker, max(route), max(created_at)
FROM (SELECT worker, route, created_at FROM public.bus_events ORDER BY id DESC LIMIT 1000) AS recent
WHERE worker IS NOT NULL AND created_at > now() - interval '1 hour'
GROUP BY worker
ORDER BY worker
