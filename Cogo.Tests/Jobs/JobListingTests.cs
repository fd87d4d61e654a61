using Xunit;

namespace Cogo.Tests.Jobs;

public class JobListingTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task The_newest_jobs_are_looked_up_however_many_there_are(int postgres)
    {
        await using var fixture = await JobFixture.CreateAsync(postgres);
        await fixture.Database.ExecuteAsync(
            """insert into agent_messages (service, role, payload) select 'jobs', 'default', '{"type": "test.run"}' from generate_series(1, 20000)""");
        await fixture.Database.ExecuteAsync("analyze agent_messages");
        var plan = new List<string>();
        await using var explain = fixture.Database.DataSource.CreateCommand("explain (analyze, timing off) select * from jobs order by id desc limit 50");
        await using var reader = await explain.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            plan.Add(reader.GetString(0));
        }

        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan on agent_messages", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("rows=20000", StringComparison.Ordinal) && line.Contains("actual rows=20000", StringComparison.Ordinal));
    }
}
