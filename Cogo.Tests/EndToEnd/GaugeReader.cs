using System.Text;
using static Cogo.Tests.EndToEnd.OtlpFields;

namespace Cogo.Tests.EndToEnd;

/// <summary>A point of a gauge or a counter as a collector sees it.</summary>
/// <param name="Attributes">Such as <c>quantile=0.9,stage=build</c>, by name.</param>
internal sealed record ExportedPoint(string Metric, string Unit, bool IsGauge, string Attributes, double Value);

/// <summary>
/// Reads points out of an OTLP export (opentelemetry/proto/collector/metrics/v1): resource_metrics = 1, scope_metrics = 2,
/// metrics = 2; of a metric name = 1, unit = 3, gauge = 5, sum = 7; of those data_points = 1; of a point as_double = 4,
/// as_int = 6, attributes = 7; of those key = 1, value = 2 with string_value = 1.
/// </summary>
internal static class GaugeReader
{
    public static IEnumerable<ExportedPoint> Read(byte[] request) =>
        from resource in Fields(request, 1)
        from scope in Fields(resource, 2)
        from metric in Fields(scope, 2)
        from kind in new[] { 5, 7 }
        from body in Fields(metric, kind)
        from point in Fields(body, 1)
        select new ExportedPoint(Text(metric, 1), Text(metric, 3), kind == 5, Attributes(point), Value(point));

    private static string Attributes(byte[] point) => string.Join(
        ',', Fields(point, 7).Select(pair => $"{Text(pair, 1)}={Text(Fields(pair, 2).FirstOrDefault() ?? [], 1)}").Order(StringComparer.Ordinal));

    private static double Value(byte[] point) =>
        Fixed64(point, 4) is { } bits ? BitConverter.Int64BitsToDouble(bits) : Fixed64(point, 6) ?? 0;

    private static string Text(byte[] message, int number) => Encoding.UTF8.GetString(Fields(message, number).FirstOrDefault() ?? []);
}
