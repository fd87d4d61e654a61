using Cogo.Tests.Fixtures;
using Cogo.Tests.Metrics;
using Xunit;

namespace Cogo.Tests.Cli;

public sealed class NotifyVerbTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _database = null!;
    private CommandLine _cogo = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await PostgresServers.CreateDatabaseAsync();
        _cogo = new CommandLine(_folder.Path) { Variables = { ["ConnectionStrings__cogo"] = _database.ConnectionString } };
        var log = new AuditLog(_database);
        await log.TaskAsync("passed");
        await log.TaskAsync("failed");
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_report_of_a_week_is_enqueued_once_a_week_and_sent_whenever_it_is_asked_for()
    {
        var first = await _cogo.RunAsync(["weekly", "enqueue", "--json"]);
        var again = await _cogo.RunAsync(["weekly", "enqueue", "--json"]);
        var now = await _cogo.RunAsync(["notify", "weekly", "--json"]);
        var shown = await _cogo.RunAsync(["notify", "weekly", "--dry-run", "--picture", "out/week.svg"]);

        Assert.Equal((0, 0, 0, 0), (first.Code, again.Code, now.Code, shown.Code));
        Assert.Equal((false, true, false), (Duplicate(first), Duplicate(again), Duplicate(now)));
        Assert.Equal(first.Lines[0].GetProperty("job_id").GetInt64(), again.Lines[0].GetProperty("job_id").GetInt64());
        Assert.Equal(2L, await _database.ScalarAsync<long>("select count(*) from jobs where type = 'notify.webhook'"));
        var text = await _database.ScalarAsync<string>("select payload ->> 'text' from jobs order by id limit 1");
        Assert.Contains("Tasks: 2 ended, 1 passed, 1 failed", text, StringComparison.Ordinal);
        Assert.Contains("✗ q1_pass_rate: 50 % (expected >= 70 %)", text, StringComparison.Ordinal);
        var picture = System.Xml.Linq.XDocument.Load(_folder.In("out/week.svg"));
        Assert.Contains(picture.Descendants(), shape => shape.Value == "1 of 2 tasks");
        Assert.Matches("^Cogo, week [0-9]{4}-W[0-9]{2}\n", shown.Output);
    }

    [Fact]
    public async Task A_snapshot_is_kept_as_an_artifact()
    {
        var ran = await _cogo.RunAsync(["metrics", "snapshot", "--file", "out/snapshot.json", "--json"]);

        Assert.True(ran.Code == 0, ran.ToString());
        var path = ran.Lines[0].GetProperty("path").GetString()!;
        Assert.Equal(await File.ReadAllTextAsync(_folder.In("out/snapshot.json")), await File.ReadAllTextAsync(_folder.In($".cogo/artifacts/{path}")));
        Assert.Equal(1L, await _database.ScalarAsync<long>("select count(*) from artifacts where path = $1", path));
        Assert.Equal("fail", ran.Lines[0].GetProperty("acceptance").GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task A_gate_tells_what_came_of_it_without_the_output_of_the_build()
    {
        Directory.CreateDirectory(_folder.In("shop"));
        await File.WriteAllTextAsync(_folder.In("shop/cogo.json"), """{ "build": "echo sesame-4711 >&2; exit 3", "test": "true" }""");

        var ran = await _cogo.RunAsync(["gate", "notify", "--repo", "shop", "--json"]);

        Assert.True(ran.Code == 1, ran.ToString());
        var payload = await _database.ScalarAsync<string>("select payload::text from jobs where id = $1", ran.Lines[0].GetProperty("notify_job_id").GetInt64());
        Assert.Contains($"\"trace_id\": \"{ran.Lines[0].GetProperty("trace_id").GetString()}\"", payload, StringComparison.Ordinal);
        Assert.Contains("Gate local: shop", payload, StringComparison.Ordinal);
        Assert.Contains("fail: build_exit 3", payload, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", payload, StringComparison.Ordinal);
    }

    private static bool Duplicate(Ran ran) => ran.Lines[0].GetProperty("duplicate").GetBoolean();
}
