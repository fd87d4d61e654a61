using System.Collections.Concurrent;
using Cogo.Tests.Codegen;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.EndToEnd;

/// <summary>The figures of a database as a collector gets them from <c>cogo dev</c>.</summary>
public sealed class FigureTelemetryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Figures_reach_a_collector_with_their_names_units_and_values()
    {
        await using var database = await PostgresServers.CreateDatabaseAsync();
        var log = new AuditLog(database);
        for (var i = 0; i < 3; i++)
        {
            await log.TaskAsync("passed", build: 1_500, test: 250);
        }

        await log.TaskAsync("failed", build: 1_500, test: 250);
        await log.EventAsync(log.Trace(), "execute_failed", """{"verdict":"infrastructure"}""");
        var points = new ConcurrentDictionary<(string, string), ExportedPoint>();
        var types = new ConcurrentBag<string?>();
        await using var collector = await LocalServer.StartAsync(app => app.MapPost("/v1/{signal}", async (HttpContext context, string signal) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            if (signal == "metrics")
            {
                types.Add(context.Request.ContentType);
                foreach (var point in GaugeReader.Read(body.ToArray()))
                {
                    points[(point.Metric, point.Attributes)] = point;
                }
            }
        }));
        var environment = new Dictionary<string, string?>
        {
            ["ConnectionStrings__cogo"] = database.ConnectionString,
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.AbsoluteUri.TrimEnd('/'),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "300",
        };

        await using (await CogoProcess.StartAsync(_folder.Path, environment))
        {
            await Eventually.BecomesTrueAsync(() => points.ContainsKey(("cogo.gate.pass_rate", "")), "the figures at the collector");
            // After them, and they are read again only in a minute: what is counted here is not in them.
            await database.ExecuteAsync("insert into agent_messages (service, role, shard, payload) values ('orchestrator', 'execute', '0', '{\"target\":\"nowhere/at/0\"}')");
            await Eventually.BecomesTrueAsync(() => points.ContainsKey(("cogo.bus.handled", "outcome=dead_lettered,route=orchestrator/execute/0")), "the counter of the bus at the collector");
        }

        var handled = points[("cogo.bus.handled", "outcome=dead_lettered,route=orchestrator/execute/0")];
        Assert.Equal(("{message}", false, 1), (handled.Unit, handled.IsGauge, handled.Value));

        Assert.Equal(["application/x-protobuf"], types.Distinct());
        var gauges = points.Values.Where(point => point.Metric.StartsWith("cogo.", StringComparison.Ordinal) && point.IsGauge).ToList();
        Assert.Equal(
            [("cogo.decision_quality", "1"), ("cogo.failure_rate", "1"), ("cogo.gate.pass_rate", "1"), ("cogo.stage.latency", "s"), ("cogo.tasks.ended", "{task}")],
            gauges.Select(point => (point.Metric, point.Unit)).Distinct().Order());
        Assert.Equal(
            [("verdict=failed", 1), ("verdict=infrastructure", 1), ("verdict=invalid", 0), ("verdict=passed", 3)],
            gauges.Where(point => point.Metric == "cogo.tasks.ended").Select(point => (point.Attributes, point.Value)).Order());
        Assert.Equal(1.5, points[("cogo.stage.latency", "quantile=0.9,stage=build")].Value);
        Assert.Equal(0.25, points[("cogo.stage.latency", "quantile=0.5,stage=test")].Value);
        Assert.Equal(
            from stage in new[] { "build", "codegen", "end_to_end", "queue_wait", "test" } from quantile in new[] { "0.5", "0.9", "0.99" } select $"quantile={quantile},stage={stage}",
            gauges.Where(point => point.Metric == "cogo.stage.latency").Select(point => point.Attributes).OrderBy(text => text.Split("stage=")[1], StringComparer.Ordinal).ThenBy(text => text, StringComparer.Ordinal));
        Assert.Equal(0.2, points[("cogo.failure_rate", "")].Value);
        Assert.Equal(0.75, points[("cogo.gate.pass_rate", "")].Value);
        Assert.InRange(points[("cogo.decision_quality", "")].Value, 0.5, 1);
    }
}
