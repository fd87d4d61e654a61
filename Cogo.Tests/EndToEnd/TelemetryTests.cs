using System.Collections.Concurrent;
using Cogo.Tests.Codegen;
using Cogo.Tests.Fixtures;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.EndToEnd;

public sealed class TelemetryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task One_trace_runs_through_api_bus_and_workers_and_its_id_is_the_trace_id()
    {
        var spans = new ConcurrentQueue<ExportedSpan>();
        var signals = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        await using var collector = await LocalServer.StartAsync(app => app.MapPost("/v1/{signal}", async (HttpContext context, string signal) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            signals.AddOrUpdate(signal, 1, (_, seen) => seen + 1);
            foreach (var span in signal == "traces" ? SpanReader.Read(body.ToArray()) : [])
            {
                spans.Enqueue(span);
            }
        }));
        var repository = SampleRepository.Create("shell", _folder.Path);
        var environment = new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.AbsoluteUri.TrimEnd('/'),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        };
        string traceId;
        await using (var cogo = await CogoProcess.StartAsync(_folder.Path, environment))
        {
            using var client = new PipelineClient(cogo.Address);
            traceId = await client.SubmitAsync(new { repo = repository.Folder, engine = "patch", patch = SampleRepository.Patch("shell", "good") });
            await client.VerdictAsync(traceId);
            await Eventually.BecomesTrueAsync(() => spans.Any(span => span.TraceId == traceId && span.Name == "handle code/build-test/0"), "the last span at the collector");
        }

        var trace = spans.Where(span => span.TraceId == traceId).ToList();
        var request = trace.Single(span => span.Name == "POST /api/pipeline/codeBuildTest");
        foreach (var route in new[] { "orchestrator/execute/0", "codegen/generate/0", "code/build-test/0" })
        {
            var published = trace.Single(span => span.Name == $"publish {route}");
            var handled = trace.Single(span => span.Name == $"handle {route}");
            Assert.Equal(published.SpanId, handled.ParentId);
            Assert.True(DescendsFrom(trace, handled, request.SpanId), $"handle {route} does not descend from the request");
        }

        Assert.Equal(["logs", "metrics", "traces"], signals.Keys.Order());
    }

    private static bool DescendsFrom(List<ExportedSpan> trace, ExportedSpan span, string ancestor)
    {
        var parent = span.ParentId;
        while (parent.Length > 0 && parent != ancestor)
        {
            parent = trace.SingleOrDefault(other => other.SpanId == parent)?.ParentId ?? "";
        }

        return parent == ancestor;
    }
}
