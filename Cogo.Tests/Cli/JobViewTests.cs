using Cogo.Cli;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Jobs;
using Xunit;

namespace Cogo.Tests.Cli;

/// <summary>What the verbs for jobs show, and what they do with flags.</summary>
public sealed class JobViewTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CommandLine _cogo;

    public JobViewTests() => _cogo = new CommandLine(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(15)]
    [InlineData(PostgresServers.Newest)]
    public async Task Queues_are_listed_with_what_waits_runs_and_failed(int postgres)
    {
        await using var fixture = await FixtureAsync(postgres);
        await fixture.Database.ExecuteAsync("insert into jobs (type) select 'a.run' from generate_series(1, 5)");
        await fixture.Database.ExecuteAsync("insert into jobs (type, queue, priority) select 'b.run', 'mail', 5 from generate_series(1, 3)");
        await fixture.Database.ExecuteAsync("insert into agent_messages (service, role, shard, payload) values ('workflow', 'other', '0', '{}')");
        Assert.Equal(3, (await fixture.ClaimAsync(3)).Count);
        await fixture.Database.ExecuteAsync("select fail_job(id, fence, 'no ink', retry => false) from claim_one_job('w')");
        await RunAsync("pause queue night");

        var queues = (await RunAsync("list queues --json")).Lines;

        Assert.Equal(
            ["default paused=False waiting=1 running=3 failed=1", "mail paused=False waiting=3 running=0 failed=0", "night paused=True waiting=0 running=0 failed=0"],
            queues.Select(one => $"{one.GetProperty("queue")} paused={one.GetProperty("paused").GetBoolean()} waiting={one.GetProperty("waiting")} running={one.GetProperty("running")} failed={one.GetProperty("failed")}"));
        Assert.Contains("Paused from the command line.", (await RunAsync("list queues")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_waits_for_a_worker_of_its_type_says_so()
    {
        await using var fixture = await FixtureAsync();
        await RunAsync("enqueue strange.run");
        Assert.Empty(await fixture.ClaimAsync(1, types: "{other.*}"));

        Assert.Contains("queued (type)", (await RunAsync("list jobs")).Output, StringComparison.Ordinal);
        Assert.Contains("a worker that knows the type strange.run", (await RunAsync($"show job {await IdAsync(fixture)}")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("list queues --json")).Lines[0].GetProperty("waiting").GetInt64());
    }

    [Fact]
    public async Task All_of_a_job_can_be_seen()
    {
        await using var fixture = await FixtureAsync();
        await RunAsync("""enqueue a.run --payload {"day":1} --concurrency-key k""");
        await fixture.Database.ExecuteAsync(
            "select report_progress(id, fence, 0.5, 'half way'), complete_job(id, fence, '{\"rows\": 7}') from claim_one_job('w-1')");
        var id = await IdAsync(fixture);

        var job = Assert.Single((await RunAsync($"show job {id} --json")).Lines);
        var shown = (await RunAsync($"show job {id}")).Output;

        Assert.Equal((7, 1), (job.GetProperty("result").GetProperty("rows").GetInt32(), job.GetProperty("payload").GetProperty("day").GetInt32()));
        Assert.Equal("half way", job.GetProperty("progress_message").GetString());
        Assert.All(["succeeded", "w-1", "1 of 5", "\"day\": 1", "\"rows\": 7", "k, 1 at once", "half way"], text => Assert.Contains(text, shown, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failed_job_shows_its_code_and_reason()
    {
        await using var fixture = await FixtureAsync();
        await RunAsync("enqueue a.run");
        await fixture.Database.ExecuteAsync("select fail_job(id, fence, 'no ink', retry => false) from claim_one_job('w-1')");

        var job = Assert.Single((await RunAsync($"show job {await IdAsync(fixture)} --json")).Lines);

        Assert.Equal(("failed", "no ink"), (job.GetProperty("status").GetString(), job.GetProperty("error").GetString()));
        Assert.NotEmpty(job.GetProperty("error_code").GetString()!);
    }

    [Fact]
    public async Task Flags_take_the_words_of_their_variables_and_enqueue_reads_DRY_RUN()
    {
        await using var fixture = await FixtureAsync();
        _cogo.Variables["DRY_RUN"] = "yes";
        var dry = Assert.Single((await RunAsync("enqueue a.run --concurrency-key k --concurrency-limit 3 --delay 30d")).Lines);
        Assert.Equal((3, 30 * 86_400.0), (dry.GetProperty("concurrency_limit").GetInt32(), dry.GetProperty("delay_seconds").GetDouble()));
        Assert.Contains("dry_run", (await RunAsync("enqueue --dry-run a.run")).Output, StringComparison.Ordinal);
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));

        await RunAsync("enqueue a.run --dry-run=no");
        await RunAsync("enqueue http.get --url http://127.0.0.1/ --dry-run no");

        Assert.Equal("http://127.0.0.1/", await fixture.Database.ScalarAsync<string>("select payload ->> 'url' from jobs where type = 'http.get'"));
        Assert.Equal(2, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task An_idempotent_job_is_the_same_in_whatever_order_its_properties_stand()
    {
        await using var fixture = await FixtureAsync();
        await RunAsync("""enqueue idempotent --type a.run --payload {"b":[{"d":1,"c":null}],"a":1.0}""");

        var again = (await RunAsync("""enqueue idempotent --type a.run --payload {"a":1.0,"b":[{"c":null,"d":1}]} --json""")).Lines.Single();
        var other = (await RunAsync("""enqueue idempotent --type a.run --payload {"a":1.0,"b":[{"c":null,"d":2}]} --json""")).Lines.Single();

        Assert.True(again.GetProperty("duplicate").GetBoolean());
        Assert.False(other.GetProperty("duplicate").GetBoolean());
    }

    [Fact]
    public async Task What_nobody_expected_is_told_with_how_to_report_it()
    {
        var (output, error) = (new SharedWriter(), new SharedWriter());
        var broken = new Surroundings(_ => throw new InvalidTimeZoneException("The gremlin."), _folder.Path, () => Stream.Null, TimeProvider.System);

        var code = await CogoCommandLine.RunAsync(["list", "jobs"], new Terminal(output, error, interactive: false), broken, default);

        Assert.Equal(2, code);
        Assert.StartsWith("cogo: That is a fault of Cogo", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Please report it", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("   at ", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(output.ToString());
    }

    private static Task<long> IdAsync(JobFixture fixture) => fixture.Database.ScalarAsync<long>("select max(id) from jobs");

    private async Task<JobFixture> FixtureAsync(int postgres = PostgresServers.Newest)
    {
        var fixture = await JobFixture.CreateAsync(postgres);
        _cogo.Variables["ConnectionStrings__cogo"] = fixture.Database.ConnectionString;
        return fixture;
    }

    private async Task<Ran> RunAsync(string line)
    {
        var ran = await _cogo.RunAsync(line.Split(' '));
        Assert.True(ran.Code == 0, ran.ToString());
        return ran;
    }
}
