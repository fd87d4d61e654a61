using System.Text.Json;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Tests.Api;
using Cogo.Tests.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Metrics;

public sealed class FigureTests : IAsyncLifetime
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
    public async Task Latency_is_the_nearest_rank_of_each_stage_by_route_and_tenant()
    {
        for (var i = 1; i <= 100; i++)
        {
            await _log.EventAsync(
                _log.Trace(), "codegen_done", """{"next":"code/build-test/0"}""", queued: i, ran: i * 10, route: $"codegen/generate/{i % 2}", tenant: i <= 10 ? "shop" : null);
        }

        var figures = (await _api.GetAsync("/api/metrics/latency?window=1h")).Json;

        var codegen = Stage(figures.GetProperty("stages"), "codegen");
        Assert.Equal((100, 500, 900, 990, 1000), Numbers(codegen));
        Assert.Equal((100, 50, 90, 99, 100), Numbers(Stage(figures.GetProperty("stages"), "queue_wait")));
        var shop = figures.GetProperty("breakdown").EnumerateArray().Where(one => one.TryGetProperty("tenant", out _)).ToList();
        Assert.Equal(4, shop.Count);
        Assert.All(shop, one => Assert.Equal(5, one.GetProperty("count").GetInt64()));
        var narrow = (await _api.GetAsync("/api/metrics/latency?window=1h&route=codegen/generate/1&tenant=shop")).Json;
        Assert.Equal((5, 50, 90, 90, 90), Numbers(Stage(narrow.GetProperty("stages"), "codegen")));
    }

    [Fact]
    public async Task A_task_is_measured_in_its_stages_and_from_end_to_end()
    {
        await _log.TaskAsync("passed", build: 400, test: 600);
        await _log.TaskAsync("failed", build: 800, test: 1200);
        await _log.EventAsync(_log.Trace(), "buildtest_done", """{"verdict":"passed","stages":{"build":"soon","test":null}}""");

        var stages = (await _api.GetAsync("/api/metrics/latency")).Json.GetProperty("stages");

        Assert.Equal((2, 400, 800, 800, 800), Numbers(Stage(stages, "build")));
        Assert.Equal((2, 600, 1200, 1200, 1200), Numbers(Stage(stages, "test")));
        Assert.InRange(Stage(stages, "end_to_end").GetProperty("p99_ms").GetDouble(), 2_100, 2_400);
    }

    [Fact]
    public async Task Tasks_are_counted_by_their_last_verdict_within_the_window()
    {
        await _log.TaskAsync("passed");
        await _log.TaskAsync("passed");
        var repaired = await _log.TaskAsync("failed");
        await _log.EventAsync(repaired, "buildtest_done", """{"verdict":"passed"}""", secondsAgo: 1, route: "code/build-test/0");
        await _log.TaskAsync("failed");
        await _log.TaskAsync("passed", secondsAgo: 7200);
        await _log.EventAsync(_log.Trace(), "codegen_failed", """{"verdict":"invalid","code":"no_repository"}""");
        await _log.EventAsync(_log.Trace(), "buildtest_failed", """{"code":"retries_exhausted"}""");
        await _log.EventAsync(_log.Trace(), "execute_done", queued: 1, ran: 1);
        await _log.EventAsync(_log.Trace(), "codegen_retry", "{}");

        var tasks = (await _api.GetAsync("/api/metrics/summary?window=1h")).Json.GetProperty("tasks");

        Assert.Equal(
            """{"ended":6,"passed":3,"failed":1,"invalid":1,"infrastructure":1,"running":1,"retries":1,"failure_rate":0.1667,"pass_rate":0.75,"repaired":1}""",
            tasks.GetRawText());
    }

    [Fact]
    public async Task A_decision_held_when_a_later_step_bears_it_out()
    {
        await _log.TaskAsync("passed", engine: "patch", patch: "p1");
        await _log.TaskAsync("failed", engine: "openai", patch: "p2");
        await _log.TaskAsync("failed", engine: "patch", patch: "p1", secondsAgo: 30);
        await _log.TaskAsync("failed", engine: "openai", patch: "p2", secondsAgo: 30);
        var refused = _log.Trace();
        await _log.EventAsync(refused, "execute_done");
        await _log.EventAsync(refused, "codegen_failed", """{"verdict":"invalid"}""");

        var quality = (await _api.GetAsync("/api/metrics/decision-quality")).Json;

        Assert.Equal(
            ["codegen openai 0/2", "codegen patch 1/2", "dispatch  4/5", "verdict  1/2"],
            quality.GetProperty("decisions").EnumerateArray().Select(one =>
                $"{one.GetProperty("kind").GetString()} {(one.TryGetProperty("engine", out var engine) ? engine.GetString() : "")} {one.GetProperty("held")}/{one.GetProperty("judged")}"));
        Assert.Equal((11, 6), (quality.GetProperty("judged").GetInt32(), quality.GetProperty("held").GetInt32()));
        Assert.Equal(0.5455, quality.GetProperty("score").GetDouble(), 4);
    }

    [Fact]
    public async Task Without_any_work_there_are_no_figures_rather_than_good_ones()
    {
        var summary = (await _api.GetAsync("/api/metrics/summary")).Json;

        Assert.False(summary.GetProperty("tasks").TryGetProperty("failure_rate", out _));
        Assert.False(summary.GetProperty("decision_quality").TryGetProperty("score", out _));
        Assert.Empty(summary.GetProperty("latency").EnumerateArray());
        var gates = (await _api.GetAsync("/api/metrics/gate/summary")).Json;
        Assert.Equal("unknown", gates.GetProperty("acceptance").GetProperty("verdict").GetString());
        Assert.All(gates.GetProperty("acceptance").GetProperty("rules").EnumerateArray(), rule => Assert.Equal("unknown", rule.GetProperty("verdict").GetString()));
    }

    [Fact]
    public async Task An_attempt_leaves_how_long_it_waited_and_ran_and_whose_it_was()
    {
        var route = Route.Parse("test/timed/0");
        var receipt = await _api.Bus.Publisher.PublishAsync(new OutgoingMessage(route, "{}") { Tenant = "shop" }, CancellationToken.None);
        await _api.Database.ExecuteAsync("select pg_sleep(0.3)");
        var worker = new Recorder(async (_, cancellationToken) =>
        {
            await _api.Database.ExecuteAsync("select pg_sleep(0.2)");
            return Outcome.Completed([new AuditEvent(EventTypes.CodegenDone, new { engine = "patch" })]);
        });
        await using var subscription = await _api.Bus.SubscribeAsync(route, worker, new SubscriptionOptions(), CancellationToken.None);

        var events = await Eventually.BecomesAsync(
            () => _api.GetAsync($"/api/metrics/events?trace_id={receipt.TraceId}"), answer => answer.Json.GetProperty("events").GetArrayLength() == 1, "the event");

        var entry = events.Json.GetProperty("events")[0];
        Assert.Equal("shop", entry.GetProperty("tenant").GetString());
        Assert.InRange(entry.GetProperty("queued_ms").GetInt64(), 290, 60_000);
        Assert.InRange(entry.GetProperty("ran_ms").GetInt64(), 200, 60_000);
    }

    [Theory]
    [InlineData("summary?window=soon", "window")]
    [InlineData("summary?window=91d", "window")]
    [InlineData("latency?route=codegen", "route")]
    [InlineData("decision-quality?tenant=%00", "tenant")]
    [InlineData("events?type=A", "type")]
    [InlineData("events?trace_id=1", "trace_id")]
    [InlineData("events?limit=0", "limit")]
    [InlineData("events?cursor=!", "cursor")]
    [InlineData("gate/summary?window=-1h", "window")]
    [InlineData("quality/gate/recent?limit=101", "limit")]
    [InlineData("quality/gate/recent?cursor=abc", "cursor")]
    public async Task What_cannot_be_read_is_refused_by_the_field(string path, string field)
    {
        var answer = await _api.GetAsync("/api/metrics/" + path);

        answer.IsProblem(400, "invalid_request", "");
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Text);
    }

    private static JsonElement Stage(JsonElement stages, string name) =>
        Assert.Single(stages.EnumerateArray(), stage => stage.GetProperty("stage").GetString() == name && !stage.TryGetProperty("route", out _));

    private static (long Count, double P50, double P90, double P99, double Max) Numbers(JsonElement stage) => (
        stage.GetProperty("count").GetInt64(), stage.GetProperty("p50_ms").GetDouble(), stage.GetProperty("p90_ms").GetDouble(),
        stage.GetProperty("p99_ms").GetDouble(), stage.GetProperty("max_ms").GetDouble());
}
