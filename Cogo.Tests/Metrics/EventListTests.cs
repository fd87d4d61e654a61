using System.Text.Json;
using Cogo.Core.Artifacts;
using Cogo.Tests.Api;
using Xunit;

namespace Cogo.Tests.Metrics;

public sealed class EventListTests : IAsyncLifetime
{
    private readonly ApiHost _api = new();
    private AuditLog _log = null!;

    public async ValueTask InitializeAsync()
    {
        await _api.InitializeAsync();
        _log = new AuditLog(_api.Database);
    }

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task Events_come_newest_first_page_by_page_each_once()
    {
        for (var i = 0; i < 25; i++)
        {
            await _log.EventAsync(_log.Trace(), i % 2 == 0 ? "a_event" : "b_event", secondsAgo: 100 + (i / 3));
        }

        var seen = new List<(string At, long Id)>();
        string? cursor = null;
        var pages = 0;
        do
        {
            var page = (await _api.GetAsync($"/api/metrics/events?limit=10{(cursor is null ? "" : $"&cursor={cursor}")}")).Json;
            seen.AddRange(page.GetProperty("events").EnumerateArray().Select(e => (e.GetProperty("at").GetString()!, e.GetProperty("id").GetInt64())));
            cursor = page.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
            pages++;
        }
        while (cursor is not null);

        Assert.Equal((3, 25), (pages, seen.Distinct().Count()));
        Assert.Equal(seen.OrderByDescending(row => row.At, StringComparer.Ordinal).ThenByDescending(row => row.Id), seen);
        Assert.Equal(12, (await _api.GetAsync("/api/metrics/events?type=b_event")).Json.GetProperty("events").GetArrayLength());
        Assert.Equal(25, (await _api.GetAsync("/api/metrics/events?type=b_event,a_event&window=10m")).Json.GetProperty("events").GetArrayLength());
        Assert.Equal(0, (await _api.GetAsync("/api/metrics/events?window=90s")).Json.GetProperty("events").GetArrayLength());
    }

    [Fact]
    public async Task A_trace_holds_its_spans_and_artifacts_too()
    {
        var trace = _log.Trace();
        await _log.EventAsync(trace, "codegen_done", """{"task_id":"t1"}""", queued: 3, ran: 4, route: "codegen/generate/0");
        await SaveAsync("t1/codegen/change.diff", trace);

        var timeline = (await _api.GetAsync($"/api/metrics/trace/{trace}")).Json.GetProperty("timeline").EnumerateArray().ToList();

        Assert.Equal(["span", "event", "artifact"], timeline.Select(entry => entry.GetProperty("kind").GetString()));
        Assert.Equal(4, timeline[1].GetProperty("ran_ms").GetInt64());
        Assert.Equal("/artifacts/t1/codegen/change.diff", timeline[2].GetProperty("data").GetProperty("url").GetString());
        Assert.False(timeline[2].TryGetProperty("id", out _));
        var span = timeline[0].GetProperty("data");
        Assert.Equal(("handle codegen/generate/0", timeline[1].GetProperty("id").GetInt64()), (span.GetProperty("name").GetString(), span.GetProperty("event_id").GetInt64()));
        Assert.Equal(TimeSpan.FromMilliseconds(4), timeline[1].GetProperty("at").GetDateTimeOffset() - timeline[0].GetProperty("at").GetDateTimeOffset());
    }

    [Fact]
    public async Task A_trace_holds_the_steps_of_its_workflow()
    {
        var trace = _log.Trace();
        await _api.Database.ExecuteAsync(
            """
            with run as (
              insert into workflow_runs (run_id, template, trace_id, task_id, tenant, request, max_repairs, repairs_left)
              values ('run-' || $1, 'codeBuildTest', $1, 't1', 'shop', '{}', 0, 0) returning run_id)
            insert into workflow_steps (run_id, step, name, attempt, route, task_id, status, verdict, message_id, started_at, ended_at)
            select run_id, n, name, 1, route, 't1', status, verdict, n + 40, now() - make_interval(secs => 90 - 10 * n), ended_at
            from run cross join (values
              (1, 'codegen', 'codegen/generate/0', 'done', null, now() - interval '78.5 seconds'),
              (2, 'build-test', 'code/build-test/0', 'running', null, null)) s (n, name, route, status, verdict, ended_at)
            """, trace);
        await _log.EventAsync(trace, "codegen_done", "{}", secondsAgo: 79);

        var timeline = (await _api.GetAsync($"/api/metrics/trace/{trace}")).Json.GetProperty("timeline").EnumerateArray().ToList();

        Assert.Equal(["step codegen", "event ", "step build-test"], timeline.Select(entry =>
            $"{entry.GetProperty("kind").GetString()} {(entry.TryGetProperty("data", out var data) && data.TryGetProperty("name", out var name) ? name.GetString() : "")}"));
        Assert.Equal(("codegen/generate/0", 41, "shop"), (timeline[0].GetProperty("route").GetString(), timeline[0].GetProperty("message_id").GetInt64(), timeline[0].GetProperty("tenant").GetString()));
        Assert.Equal(1_500, timeline[0].GetProperty("ran_ms").GetInt64());
        Assert.Equal(("running", "run-" + trace), (timeline[2].GetProperty("data").GetProperty("status").GetString(), timeline[2].GetProperty("data").GetProperty("run_id").GetString()));
        Assert.False(timeline[2].TryGetProperty("ran_ms", out _));
    }

    [Fact]
    public async Task Recent_fixes_link_to_lint_and_coverage_of_their_trace()
    {
        var traces = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            traces.Add(_log.Trace());
            await _log.EventAsync(traces[i], "gate_fix", """{"gate":"local","coverage":"elsewhere/coverage.xml"}""", secondsAgo: 100 - i);
        }

        await SaveAsync("t9/gate/lint.log", traces[3]);
        await SaveAsync("t9/gate/reports/001-coverage.cobertura.xml", traces[3]);
        await SaveAsync("t9/gate/build.log", traces[3]);

        var page = (await _api.GetAsync("/api/metrics/quality/gate/recent")).Json;

        var fixes = page.GetProperty("fixes").EnumerateArray().ToList();
        Assert.Equal([traces[3], traces[2], traces[1]], fixes.Select(fix => fix.GetProperty("trace_id").GetString()));
        Assert.Equal(["/artifacts/t9/gate/lint.log"], Urls(fixes[0], "lint"));
        Assert.Equal(["/artifacts/t9/gate/reports/001-coverage.cobertura.xml", "/artifacts/elsewhere/coverage.xml"], Urls(fixes[0], "coverage"));
        Assert.Empty(Urls(fixes[1], "lint"));
        var rest = (await _api.GetAsync($"/api/metrics/quality/gate/recent?cursor={page.GetProperty("next_cursor").GetString()}")).Json;
        Assert.Equal(traces[0], Assert.Single(rest.GetProperty("fixes").EnumerateArray()).GetProperty("trace_id").GetString());
    }

    private static IEnumerable<string?> Urls(JsonElement fix, string name) => fix.GetProperty(name).EnumerateArray().Select(link => link.GetProperty("url").GetString());

    private async Task SaveAsync(string path, string trace)
    {
        using var content = new MemoryStream([1]);
        await _api.Artifacts.SaveAsync(path, content, new ArtifactContext(path.Split('/')[0], trace, "text/plain"), CancellationToken.None);
    }
}
