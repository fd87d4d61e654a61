using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Chaos;

/// <summary>The judge of the chaos suite finds what it is there to find.</summary>
public class ChaosLedgerTests
{
    /// <summary>What a fault would have done, and a word of the rule that it breaks. Message 1 is finished, 2 was given up.</summary>
    public static TheoryData<string, string> Damage => new()
    {
        { "select 1", "" },
        { "insert into agent_messages (id, service, role, payload) values (9, 'chaos', 'work', '{}')", "its newest claim ended it" },
        { "insert into ledger values (1, 1)", "finished twice" },
        { "insert into ledger values (2, 1)", "not both" },
        { "delete from ledger", "stands in the ledger" },
        { "update ledger set fence = 77", "no zombie" },
        { "insert into bus_claims (lane, session_id, ids, first_xid, special, prev, target, last_xid, last_id) select lane, session_id, ids, first_xid, special, prev, target, last_xid, last_id from bus_claims where claim_id = 1", "newest claim" },
        { "insert into bus_acks values (1, array[1])", "acknowledgement was written twice" },
        { "delete from bus_acks", "has its acknowledgement" },
        { "delete from agent_messages where role = 'next'", "published with the ledger" },
        { "insert into agent_messages (service, role, payload) values ('chaos', 'next', '1')", "published with the ledger, once" },
        { "insert into agent_messages (service, role, payload) values ('chaos', 'next', '5')", "without the ledger" },
        { "update dead_letters set code = 'retries_exhausted'", "but by its handler" },
        { "delete from dead_letters", "stands in the ledger" },
        { "delete from agent_messages where id = 1", "acknowledged to the publisher" },
        { "insert into agent_messages (id, service, role, payload) values (9, 'chaos', 'work', '\"chaos.poison\"')", "at its last attempt" },
        { "insert into starts values (1, 1, 6)", "attempt is begun that is one too many" },
        { "insert into agent_messages (service, role, payload, idempotency_key) values ('jobs', 'default', '{}', 'k'), ('jobs', 'default', '{}', 'k')", "a key has one job" },
        { "insert into orders values (5)", "the transaction that enqueued it" },
        { """insert into agent_messages (service, role, payload) values ('jobs', 'default', '{"payload": {"order": true}}')""", "the transaction that enqueued it" },
        { """insert into agent_messages (service, role, payload) values ('jobs', 'default', '{"type": "chaos.wait"}')""", "was cancelled" },
        { "insert into job_waits (job_id, lane, reason, type) values (1, 1, 'type', 'a')", "stands aside" },
        { "insert into job_permits (key, job_id, claim_id) values ('k', 5, 1)", "holds a permit" },
        { "insert into job_results (job_id, claim_id, attempt, worker_id, started_at) values (1, 1, 6, 'w', now())", "one too many" },
        { "insert into jobs (type) values ('a.b')", "sees how they ended" },
        { "insert into bus_deferred select d.message_id, 1, 'chaos', 'work', '0', null, '{}', 't', null, null, 0, 1, 5, now(), null, now(), null from dead_letters d", "nothing waits" },
    };

    [Theory]
    [MemberData(nameof(Damage))]
    public async Task Each_rule_is_broken_by_the_damage_it_is_there_for(string damage, string rule)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await ChaosLedger.CreateAsync(database.DataSource);
        await database.ExecuteAsync("insert into agent_messages (id, service, role, payload) values (1, 'chaos', 'work', '{}'), (2, 'chaos', 'work', '{}'), (3, 'chaos', 'next', '1')");
        await database.ExecuteAsync("insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'h', 1, 1, now() + interval '1 hour')");
        await database.ExecuteAsync("select cogo_claim(cogo_lane('chaos', 'work', '0'), 1, 10)");
        await database.ExecuteAsync("select cogo_finish(1, array[1::bigint], array[1::bigint])");
        await database.ExecuteAsync("select cogo_fail(1, 1, 2, 'no_good', 'No good.', 'failed', 'w')");
        await database.ExecuteAsync("insert into ledger values (1, 1)");

        await database.ExecuteAsync(damage);

        var broken = await ChaosLedger.BrokenAsync(database.DataSource, [1, 2]);
        if (rule.Length == 0)
        {
            Assert.Empty(broken);
        }
        else
        {
            Assert.Contains(broken, found => found.Contains(rule, StringComparison.Ordinal));
        }
    }
}
