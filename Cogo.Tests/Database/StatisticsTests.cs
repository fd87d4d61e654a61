using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Database;

/// <summary>What the server gathers by itself, every few seconds on a busy database, must not cost what the messages cost.</summary>
public sealed class StatisticsTests
{
    [Fact]
    public async Task No_statistics_are_gathered_of_the_ids_of_claims()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync(
            """
            insert into agent_messages (service, role, payload) select 'test', 'work', '{}' from generate_series(1, 500);
            insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'here', 1, 0, now() + interval '1 minute');
            """);
        await database.ExecuteAsync(
            """
            do $$
            begin
              for i in 1 .. 50 loop
                perform cogo_acknowledge(min(s.session_id), min(m.fence), array_agg(m.message_id))
                  from bus_sessions s, cogo_claim(cogo_lane('test', 'work', '0'), s.session_id, 10) m;
              end loop;
            end $$;
            analyze bus_claims, bus_acks;
            """);

        Assert.Equal(50, await database.ScalarAsync<long>("select count(*) from bus_acks"));
        Assert.Equal("acked_at claim_id", await database.ScalarAsync<string>(
            "select string_agg(attname, ' ' order by attname) from pg_stats where tablename = 'bus_acks'"));
        Assert.Equal(0, await database.ScalarAsync<long>(
            "select count(*) from pg_stats where tablename = 'bus_claims' and attname in ('ids', 'deferred')"));
        Assert.NotEqual(0, await database.ScalarAsync<long>("select count(*) from pg_stats where tablename = 'bus_claims'"));
    }
}
