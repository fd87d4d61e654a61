using Cogo.Core.Jobs;
using Cogo.Tests.Admin;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Jobs;

public class BrokenScheduleTests
{
    [Theory]
    [InlineData(15)]
    [InlineData(PostgresServers.Newest)]
    public async Task A_schedule_that_cannot_run_is_set_aside_and_the_others_run(int postgres)
    {
        await using var fixture = await JobFixture.CreateAsync(postgres);
        await fixture.Database.ExecuteAsync(
            """
            insert into job_schedules (name, cron, type, next_run_at) values
              ('cron', 'nonsense', 'demo.x', clock_timestamp()),
              ('never', '0 0 30 2 *', 'demo.x', clock_timestamp()),
              ('type', '* * * * *', 'No Type', clock_timestamp()),
              ('unreckoned', '* * * * *', 'No Type', '-infinity'),
              ('nul', '* * * * *', 'demo.x', clock_timestamp()),
              ('zgood', '* * * * *', 'demo.y', clock_timestamp())
            """);
        await fixture.Database.ExecuteAsync("update job_schedules set tenant = repeat('t', 201) where name = 'nul'");

        var round = await fixture.Schedules.EnqueueDueAsync(default);

        Assert.Equal(["cron", "never", "nul", "type", "unreckoned"], round.SetAside.Select(one => one.Name).Order(StringComparer.Ordinal));
        Assert.Equal((6, 1), (round.Due, round.Enqueued));
        Assert.Equal("demo.y", await fixture.Database.ScalarAsync<string>("select string_agg(type, ',') from jobs"));
        Assert.Contains("'nonsense' is no cron expression", await ProblemAsync(fixture, "cron"), StringComparison.Ordinal);
        Assert.Contains("never comes", await ProblemAsync(fixture, "never"), StringComparison.Ordinal);
        Assert.Contains("type is 'No Type'", await ProblemAsync(fixture, "type"), StringComparison.Ordinal);
        Assert.Contains("Tenant", await ProblemAsync(fixture, "nul"), StringComparison.Ordinal);
        Assert.Equal(5, await fixture.Database.ScalarAsync<long>("select count(*) from job_schedules where next_run_at = 'infinity'"));

        Assert.Equal(0, (await fixture.Schedules.EnqueueDueAsync(default)).Due);
    }

    [Fact]
    public async Task A_corrected_schedule_comes_back_by_itself()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Database.ExecuteAsync(
            "insert into job_schedules (name, cron, type, next_run_at) values ('sql', 'nonsense', 'demo.x', now()), ('code', 'nonsense', 'demo.x', now()), ('type', '0 2 * * *', 'No Type', now())");
        Assert.Equal(3, (await fixture.Schedules.EnqueueDueAsync(default)).SetAside.Count);

        await fixture.Database.ExecuteAsync("update job_schedules set cron = '0 2 * * *' where name = 'sql'");
        await fixture.Database.ExecuteAsync("update job_schedules set type = 'demo.x' where name = 'type'");
        var next = await fixture.Schedules.SetAsync("code", "0 2 * * *", new JobRequest("demo.x"), default);
        var round = await fixture.Schedules.EnqueueDueAsync(default);

        Assert.Equal((2, 0), (round.Due, round.Enqueued));
        Assert.Equal(3, await fixture.Database.ScalarAsync<long>("select count(*) from job_schedules where problem is null and next_run_at = $1", next.UtcDateTime));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task A_schedule_written_in_sql_needs_no_time_and_a_changed_cron_is_reckoned_anew()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Database.ExecuteAsync("insert into job_schedules (name, cron, type) values ('nightly', '0 2 * * *', 'demo.x')");
        await fixture.Schedules.EnqueueDueAsync(default);
        Assert.True(await fixture.Database.ScalarAsync<bool>("select extract(hour from next_run_at at time zone 'utc') = 2 from job_schedules"));

        await fixture.Database.ExecuteAsync("update job_schedules set cron = '0 3 * * *'");
        await fixture.Schedules.EnqueueDueAsync(default);

        Assert.True(await fixture.Database.ScalarAsync<bool>("select extract(hour from next_run_at at time zone 'utc') = 3 from job_schedules"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task A_run_that_was_enqueued_before_the_schedule_changed_is_not_enqueued_again()
    {
        await using var fixture = await JobFixture.CreateAsync();
        const string Back = "update job_schedules set next_run_at = date_trunc('day', clock_timestamp())";
        await fixture.Schedules.SetAsync("nightly", "0 2 * * *", new JobRequest("demo.x"), default);
        await fixture.Database.ExecuteAsync(Back);
        await fixture.Schedules.EnqueueDueAsync(default);
        await fixture.Schedules.SetAsync("nightly", "0 2 * * *", new JobRequest("demo.y"), default);
        await fixture.Database.ExecuteAsync(Back);

        var round = await fixture.Schedules.EnqueueDueAsync(default);

        Assert.Empty(round.SetAside);
        Assert.Equal("demo.x", await fixture.Database.ScalarAsync<string>("select string_agg(type, ',') from jobs"));
        Assert.True(await fixture.Database.ScalarAsync<bool>("select problem is null and next_run_at > clock_timestamp() and next_run_at < 'infinity' from job_schedules"));
    }

    [Fact]
    public async Task The_leader_runs_what_stands_behind_a_broken_schedule_and_tells_of_it_once()
    {
        await using var fixture = await JobFixture.CreateAsync();
        await fixture.Database.ExecuteAsync(
            "insert into job_schedules (name, cron, type, next_run_at) values ('aaa', 'nonsense', 'demo.x', now() - interval '1 minute'), ('new', '0 0 1 1 *', 'demo.x', default), ('zgood', '0 0 1 1 *', 'demo.y', now())");
        using var log = new LogCapture();
        var lease = TimeSpan.FromMilliseconds(300);
        await using (new ScheduleLeader(fixture.Database.DataSource, fixture.Schedules, "one", lease, TimeProvider.System, log.CreateLogger("leader")))
        {
            await Eventually.BecomesTrueAsync(() => fixture.Database.ScalarAsync<bool>("select count(*) = 1 from jobs where type = 'demo.y'"), "the good schedule's job");
            var held = await fixture.Database.ScalarAsync<DateTime>("select lease_until from leaders");
            await Eventually.BecomesTrueAsync(() => fixture.Database.ScalarAsync<bool>("select lease_until > $1 from leaders", held + lease), "renewals after it");
        }

        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
        Assert.Single(log.Text.Split('\n'), line => line.Contains("Schedule aaa cannot run and was set aside: 'nonsense' is no cron expression", StringComparison.Ordinal));
        Assert.DoesNotContain("cannot be seen to", log.Text, StringComparison.Ordinal);
    }

    private static async Task<string> ProblemAsync(JobFixture fixture, string name) =>
        (await fixture.Database.ScalarAsync<string>("select problem from job_schedules where name = $1", name))!;
}
