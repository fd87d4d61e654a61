using Cogo.Tests.Fixtures;
using Cogo.Tests.Jobs;
using Xunit;

namespace Cogo.Tests.Cli;

public sealed class ScheduleVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CommandLine _cogo;

    public ScheduleVerbTests() => _cogo = new CommandLine(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_schedule_is_tried_set_listed_and_removed()
    {
        await using var fixture = await FixtureAsync();
        string[] set = ["schedule", "set", "nightly", "--cron", "0 2 * * *", "--type", "report.daily", "--payload", """{"n":1}""", "--queue", "reports", "--priority", "7", "--json"];
        var tried = Assert.Single((await RunAsync([.. set, "--dry-run"])).Lines);
        Assert.True(tried.GetProperty("dry_run").GetBoolean());
        Assert.Empty((await RunAsync(["schedule", "list", "--json"])).Lines);

        var made = Assert.Single((await RunAsync(set)).Lines);

        Assert.Equal(tried.GetProperty("next_run_at").GetDateTime(), made.GetProperty("next_run_at").GetDateTime());
        var listed = Assert.Single((await RunAsync(["schedule", "list", "--json"])).Lines);
        Assert.Equal(("nightly", "0 2 * * *", "reports", 7), (listed.GetProperty("name").GetString(), listed.GetProperty("cron").GetString(), listed.GetProperty("queue").GetString(), listed.GetProperty("priority").GetInt32()));
        Assert.Equal(1, listed.GetProperty("payload").GetProperty("n").GetInt32());
        Assert.Contains("next at 20", (await RunAsync(["schedule", "set", "nightly", "--cron", "@daily", "--type", "report.daily"])).Output, StringComparison.Ordinal);
        Assert.Equal("@daily", await fixture.Database.ScalarAsync<string>("select cron from job_schedules"));

        Assert.Contains("would be removed", (await RunAsync(["schedule", "remove", "nightly", "--dry-run"])).Output, StringComparison.Ordinal);
        Assert.True(Assert.Single((await RunAsync(["schedule", "remove", "nightly", "--json"])).Lines).GetProperty("removed").GetBoolean());
        var again = await _cogo.RunAsync(["schedule", "remove", "nightly"]);
        Assert.Equal(3, again.Code);
        Assert.Contains("There is no schedule 'nightly'", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_schedule_is_listed_with_its_problem()
    {
        await using var fixture = await FixtureAsync();
        await fixture.Database.ExecuteAsync("insert into job_schedules (name, cron, type) values ('aaa', 'nonsense', 'demo.x')");
        await fixture.Schedules.EnqueueDueAsync(default);

        Assert.Contains("is no cron expression", (await RunAsync(["schedule", "list"])).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense", "demo.x", "", "'nonsense' is no cron expression")]
    [InlineData("0 0 30 2 *", "demo.x", "", "never comes")]
    [InlineData("@daily", "No Type", "", "type is 'No Type'")]
    [InlineData("@daily", "demo.x", "--priority 101", "Priority is 101")]
    [InlineData("@daily", "demo.x", "--max-attempts 70000", "MaxAttempts is 70000")]
    [InlineData("@daily", "demo.x", "--queue a/b", "cannot be the name of a queue")]
    [InlineData("@daily", "demo.x", "--payload [1]", "no object")]
    public async Task A_schedule_that_cannot_run_is_refused_in_a_sentence_before_a_database_is_asked(string cron, string type, string more, string expected)
    {
        _cogo.Variables["ConnectionStrings__cogo"] = "Host=127.0.0.1;Port=1;Username=none;Database=none";

        var ran = await _cogo.RunAsync(["schedule", "set", "x", "--cron", cron, "--type", type, .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.Equal(3, ran.Code);
        Assert.Empty(ran.Output);
        Assert.Contains(expected, ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Parameter", ran.Error, StringComparison.Ordinal);
    }

    private async Task<JobFixture> FixtureAsync()
    {
        var fixture = await JobFixture.CreateAsync();
        _cogo.Variables["ConnectionStrings__cogo"] = fixture.Database.ConnectionString;
        return fixture;
    }

    private async Task<Ran> RunAsync(string[] arguments)
    {
        var ran = await _cogo.RunAsync(arguments);
        Assert.True(ran.Code == 0, ran.ToString());
        return ran;
    }
}
