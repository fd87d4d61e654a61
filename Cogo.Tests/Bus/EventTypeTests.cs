using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Bus;

public class EventTypeTests
{
    [Theory]
    [InlineData("3d-render", "role_3d_render_retry")]
    [InlineData("web-crawler", "web_crawler_retry")]
    [InlineData("a23456789-123456789-123456789-123456789-123456789-123456789-123", "a23456789_123456789_123456789_123456789_123456789__retry")]
    public async Task An_attempt_on_a_route_with_any_legal_role_can_fail_and_is_audited(string role, string type)
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        await database.ExecuteAsync("insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'h', 1, 1, now() + interval '1 hour')");
        await database.ExecuteAsync("insert into agent_messages (service, role, payload) values ('test', $1, '{}')", role);
        Assert.Equal("retried", await database.ScalarAsync<string>(
            "select cogo_retry(1, c.fence, c.message_id, interval '0', 'It failed.', true, 'w') from cogo_claim(cogo_lane('test', $1, '0'), 1, 1) c", role));

        Assert.Equal(type, await database.ScalarAsync<string>("select type from bus_events where data ->> 'reason' = 'It failed.'"));
    }
}
