using System.Text;
using static Cogo.Tests.EndToEnd.OtlpFields;

namespace Cogo.Tests.EndToEnd;

/// <summary>A span as a collector sees it.</summary>
internal sealed record ExportedSpan(string TraceId, string SpanId, string ParentId, string Name);

/// <summary>
/// Reads spans out of an OTLP export (opentelemetry/proto/collector/trace/v1): resource_spans = 1, scope_spans = 2,
/// spans = 2, and of a span trace_id = 1, span_id = 2, parent_span_id = 4, name = 5.
/// </summary>
internal static class SpanReader
{
    public static IEnumerable<ExportedSpan> Read(byte[] request) =>
        from resource in Fields(request, 1)
        from scope in Fields(resource, 2)
        from span in Fields(scope, 2)
        select new ExportedSpan(Hex(span, 1), Hex(span, 2), Hex(span, 4), Encoding.UTF8.GetString(Fields(span, 5).First()));

    private static string Hex(byte[] span, int number) => Convert.ToHexStringLower(Fields(span, number).FirstOrDefault() ?? []);
}
