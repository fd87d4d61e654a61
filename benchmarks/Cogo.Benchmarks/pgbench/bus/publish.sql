insert into agent_messages (service, role, shard, payload)
select 'bench', 'ceiling', '0', jsonb_build_object('pad', repeat('x', :bytes)) from generate_series(1, :batch);
