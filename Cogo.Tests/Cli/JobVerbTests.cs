using System.Text.Json;
using Cogo.Core.Artifacts;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Jobs;
using Xunit;

namespace Cogo.Tests.Cli;

public sealed class JobVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CommandLine _cogo;

    public JobVerbTests() => _cogo = new CommandLine(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Jobs_are_enqueued_listed_and_cancelled()
    {
        await using var fixture = await FixtureAsync();
        var browser = (await JsonAsync("enqueue browser --url http://127.0.0.1/ --priority 3 --json")).Single();
        var report = (await JsonAsync("""enqueue report.daily --payload {"day":1} --delay 1h --tenant shop --json""")).Single();

        var listed = await JsonAsync("list jobs --json");
        Assert.Equal([report.GetProperty("id").GetInt64(), browser.GetProperty("id").GetInt64()], listed.Select(job => job.GetProperty("id").GetInt64()));
        Assert.Equal(["scheduled", "queued"], listed.Select(job => job.GetProperty("status").GetString()));
        Assert.Equal("http://127.0.0.1/", await fixture.Database.ScalarAsync<string>("select payload ->> 'url' from jobs where type = 'browser.navigate'"));
        Assert.Single(await JsonAsync("list jobs --status scheduled --json"));
        Assert.Single(await JsonAsync("list jobs --type browser. --json"));
        Assert.Equal("requested", (await JsonAsync($"cancel job {browser.GetProperty("id")} --json")).Single().GetProperty("answer").GetString());

        var table = await _cogo.RunAsync(["list", "jobs"]);
        Assert.Contains("report.daily", table.Output, StringComparison.Ordinal);
        Assert.Contains("in 59 min", table.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_idempotent_job_is_enqueued_once()
    {
        await using var fixture = await FixtureAsync();
        _cogo.Variables["JOB_TYPE"] = "http.get";
        var first = (await JsonAsync("""enqueue idempotent --payload {"url":"http://127.0.0.1/"} --json""")).Single();
        var again = (await JsonAsync("""enqueue idempotent --payload {"url":"http://127.0.0.1/"} --json""")).Single();
        var other = (await JsonAsync("""enqueue idempotent --payload {"url":"http://127.0.0.1/b"} --json""")).Single();

        Assert.True(again.GetProperty("duplicate").GetBoolean());
        Assert.Equal(first.GetProperty("id").GetInt64(), again.GetProperty("id").GetInt64());
        Assert.Matches("^[0-9a-f]{64}$", first.GetProperty("idempotency_key").GetString());
        Assert.False(other.GetProperty("duplicate").GetBoolean());
        Assert.Contains("\"dry_run\":true", (await _cogo.RunAsync(["enqueue", "http.get", "--dry-run"])).Output, StringComparison.Ordinal);
        Assert.Equal(2, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task Failed_jobs_are_retried_and_dead_ones_replayed_after_a_look()
    {
        await using var fixture = await FixtureAsync();
        await _cogo.RunAsync(["enqueue", "a.run"]);
        await _cogo.RunAsync(["enqueue", "b.run"]);
        for (var i = 0; i < 2; i++)
        {
            await fixture.Database.ExecuteAsync("select fail_job(id, fence, 'no ink', retry => false) from claim_one_job('w')");
        }

        Assert.Equal(2, (await JsonAsync("list dlq --json")).Count);
        Assert.Single(await JsonAsync("retry failed --type a. --json"));
        Assert.Equal(2, (await JsonAsync("list jobs --status failed --json")).Count);
        Assert.Single(await JsonAsync("retry failed --type a. --reset-attempts --dry-run false --json"));
        var replayed = Assert.Single(await JsonAsync("replay dlq --json"));
        Assert.Equal($"dlq:{replayed.GetProperty("job_id")}", replayed.GetProperty("idempotency_key").GetString());
        Assert.Empty(await JsonAsync("replay dlq --json"));
        Assert.Equal(2, (await JsonAsync("list jobs --status queued --json")).Count);

        _cogo.Variables["DRY_RUN"] = "false";
        _cogo.Variables["JOB_TTL_DAYS"] = "0";
        Assert.Equal(1, (await JsonAsync("purge jobs --statuses failed --json")).Single().GetProperty("jobs").GetInt64());
        Assert.Empty(await JsonAsync("list dlq --json"));
    }

    [Fact]
    public async Task Expired_leases_are_shown_and_recovered()
    {
        await using var fixture = await FixtureAsync();
        await _cogo.RunAsync(["enqueue", "a.run"]);
        await fixture.ClaimAsync(1, worker: "lost-1");
        Assert.Empty(await JsonAsync("recover leases --json"));
        await fixture.Database.ExecuteAsync("update bus_sessions set lease_until = clock_timestamp() - interval '1 second' where worker_id = 'lost-1'");

        Assert.Single(await JsonAsync("recover leases --dry-run --json"));
        Assert.Equal("lost-1", Assert.Single(await JsonAsync("recover leases --json")).GetProperty("worker_id").GetString());

        Assert.Equal("retrying", Assert.Single(await JsonAsync("list jobs --json")).GetProperty("status").GetString());
        Assert.Equal("lost-1", Assert.Single(await JsonAsync("list heartbeats --worker lost-1 --json")).GetProperty("worker_id").GetString());
    }

    [Fact]
    public async Task Old_artifacts_go_with_their_files()
    {
        await using var fixture = await FixtureAsync();
        var store = new LocalArtifactStore(fixture.Database.DataSource, new ArtifactOptions { BasePath = _folder.In(".cogo/artifacts") });
        foreach (var path in new[] { "job-1/old.txt", "job-2/new.txt" })
        {
            using var content = new MemoryStream([1, 2, 3]);
            await store.SaveAsync(path, content, new ArtifactContext("t", new string('a', 32), "text/plain"), default);
        }

        await fixture.Database.ExecuteAsync("update artifacts set created_at = now() - interval '20 days' where path like '%old.txt'");

        Assert.Single(await JsonAsync("cleanup artifacts --dry-run --json"));
        Assert.Equal("job-1/old.txt", Assert.Single(await JsonAsync("cleanup artifacts --json")).GetProperty("path").GetString());

        Assert.False(Directory.Exists(_folder.In(".cogo/artifacts/job-1")));
        Assert.Equal("job-2/new.txt", Assert.Single(await JsonAsync("list artifacts --json")).GetProperty("path").GetString());
    }

    [Fact]
    public async Task A_queue_is_paused_and_resumed_and_workers_are_listed()
    {
        await using var fixture = await FixtureAsync();
        await fixture.WorkerAsync([new Job("a.*")]);
        Assert.Contains("is paused", (await _cogo.RunAsync(["pause", "queue", "default"])).Output, StringComparison.Ordinal);
        await _cogo.RunAsync(["enqueue", "a.run"]);
        Assert.Equal("queued", Assert.Single(await JsonAsync("list jobs --json")).GetProperty("status").GetString());

        await _cogo.RunAsync(["resume", "queue", "default"]);

        await Eventually.BecomesTrueAsync(() => fixture.Database.ScalarAsync<bool>("select status = 'succeeded' from jobs"), "the job of a resumed queue");
        var worker = Assert.Single(await JsonAsync("list workers --json"));
        Assert.Equal(("worker-1", "a.*"), (worker.GetProperty("worker_id").GetString(), worker.GetProperty("types")[0].GetString()));
        Assert.True(worker.GetProperty("alive").GetBoolean());
    }

    [Theory]
    [InlineData("enqueue browser", "--url URL")]
    [InlineData("enqueue figma", "--file-key KEY")]
    [InlineData("enqueue a.run --payload [1]", "no object")]
    [InlineData("enqueue a.run --payload {", "not JSON")]
    [InlineData("enqueue a.run --payload-file nowhere.json", "cannot be read")]
    [InlineData("enqueue A --payload {}", "type is 'A'")]
    [InlineData("enqueue a.run --payload {\"a\":\"\\u0000\"}", "NUL")]
    [InlineData("enqueue a.run --payload-file large.json", "the limit is 5242880")]
    [InlineData("enqueue a.run --queue b/c", "'b/c' cannot be the name of a queue")]
    [InlineData("enqueue a.run --executor B", "'B' cannot be an executor's id")]
    [InlineData("enqueue a.run --priority -101", "Priority is -101")]
    [InlineData("enqueue a.run --max-attempts 0", "MaxAttempts is 0")]
    [InlineData("enqueue a.run --concurrency-key k --concurrency-limit 0", "ConcurrencyLimit is 0")]
    [InlineData("enqueue a.run --delay 70000000h", "write 90s, 10m, 2h or 3d, at most 3660d")]
    [InlineData("enqueue a.run --delay 3661d", "at most 3660d")]
    [InlineData("enqueue browser --payload {\"url\":1,\"url\":2}", "--payload is not JSON: ")]
    [InlineData("enqueue a.run --payload {\"a\":{\"b\":1,\"b\":2}}", "--payload is not JSON: ")]
    [InlineData("enqueue browser --url http://127.0.0.1/ --type foo.bar", "--type goes with `cogo enqueue idempotent`")]
    [InlineData("enqueue a.run --url http://127.0.0.1/", "--url is not for jobs of type a.run")]
    [InlineData("enqueue http.get --file-key k", "--file-key is not for jobs of type http.get")]
    [InlineData("enqueue http.get --url http://127.0.0.1/a --payload {\"url\":\"http://127.0.0.1/b\"}", "say different things")]
    [InlineData("purge jobs --ttl-days 99999999", "--ttl-days is 99999999: use 0 to 36500")]
    [InlineData("cleanup artifacts --ttl-days 99999999", "--ttl-days is 99999999: use 0 to 36500")]
    [InlineData("purge jobs --statuses ,", "--statuses names no status")]
    [InlineData("show job 4711", "There is no job 4711")]
    [InlineData("pause queue b/c", "'b/c' cannot be the name of a queue")]
    [InlineData("resume queue B", "'B' cannot be the name of a queue")]
    [InlineData("cancel job one", "one")]
    [InlineData("retry failed --dry-run maybe", "maybe")]
    [InlineData("enqueue a.run --priority 101", "Priority is 101")]
    [InlineData("enqueue a.run --delay soon", "write 90s, 10m, 2h or 3d")]
    [InlineData("list jobs --status odd", "odd")]
    [InlineData("list jobs --limit 0", "--limit is 0")]
    [InlineData("purge jobs --statuses running", "no status of a finished job")]
    public async Task What_cannot_work_is_refused_in_a_sentence(string line, string expected)
    {
        await using var fixture = await FixtureAsync();
        await File.WriteAllTextAsync(_folder.In("large.json"), $$"""{"a":"{{new string('x', 5 * 1024 * 1024)}}"}""");

        var ran = await _cogo.RunAsync(line.Split(' '));

        Assert.Equal(3, ran.Code);
        Assert.Empty(ran.Output);
        Assert.Contains(expected, ran.Error, StringComparison.Ordinal);
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task A_key_with_another_payload_is_refused_and_an_unknown_job_is_named()
    {
        await using var fixture = await FixtureAsync();
        Assert.Equal(0, (await _cogo.RunAsync(["enqueue", "a.run", "--key", "once"])).Code);

        var other = await _cogo.RunAsync(["enqueue", "a.run", "--key", "once", "--payload", """{"n":2}"""]);
        var unknown = await _cogo.RunAsync(["cancel", "job", "4711"]);

        Assert.Equal((3, 3), (other.Code, unknown.Code));
        Assert.Contains("once", other.Error, StringComparison.Ordinal);
        Assert.Contains("4711", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from jobs"));
    }

    private async Task<JobFixture> FixtureAsync()
    {
        var fixture = await JobFixture.CreateAsync();
        _cogo.Variables["ConnectionStrings__cogo"] = fixture.Database.ConnectionString;
        return fixture;
    }

    private async Task<IReadOnlyList<JsonElement>> JsonAsync(string line)
    {
        var ran = await _cogo.RunAsync(line.Split(' '));
        Assert.True(ran.Code == 0, ran.ToString());
        return ran.Lines;
    }
}
