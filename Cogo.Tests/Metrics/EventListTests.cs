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
    public async Task A_trace_holds_its_artifacts_too()
    {
        var trace = _log.Trace();
        await _log.EventAsync(trace, "codegen_done", """{"task_id":"t1"}""", queued: 3, ran: 4);
        await SaveAsync("t1/codegen/change.diff", trace);

        var timeline = (await _api.GetAsync($"/api/metrics/trace/{trace}")).Json.GetProperty("timeline").EnumerateArray().ToList();

        Assert.Equal(["event", "artifact"], timeline.Select(entry => entry.GetProperty("kind").GetString()));
        Assert.Equal(4, timeline[0].GetProperty("ran_ms").GetInt64());
        Assert.Equal("/artifacts/t1/codegen/change.diff", timeline[1].GetProperty("data").GetProperty("url").GetString());
        Assert.False(timeline[1].TryGetProperty("id", out _));
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
