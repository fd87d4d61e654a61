-- Gates by their last word on each trace, the verdict of build/test among them; the row without a gate is the last word
-- of all gates. Takes no lock; index gate_words_at.
-- $1 since, $2 until
select nullif(w.gate, '') as gate, count(*) filter (where w.passed), count(*) filter (where not w.passed)
from public.gate_words w
where w.at >= $1 and w.at < $2
group by w.gate
order by 1 nulls first
limit 200
