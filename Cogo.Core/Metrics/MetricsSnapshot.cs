using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Cogo.Core.Artifacts;
using Cogo.Core.Gates;

namespace Cogo.Core.Metrics;

/// <summary>The figures of a window as a document that is kept.</summary>
/// <param name="Path">Of the artifact.</param>
/// <param name="Document">JSON: <c>figures</c>, <c>gates</c> and <c>acceptance</c>.</param>
public sealed record MetricsSnapshot(string Path, byte[] Document, MetricsSummary Figures, IReadOnlyList<GateCount> Gates, GateAnswer Acceptance)
{
    /// <summary>Folder of the artifacts.</summary>
    public const string TaskId = "metrics";

    /// <summary>Reads the figures and stores them as <c>metrics/&lt;day&gt;/snapshot-&lt;time&gt;-&lt;random&gt;.json</c>: several of one second are all kept.</summary>
    public static async Task<MetricsSnapshot> TakeAsync(
        MetricsReader metrics, IArtifactStore store, QualityThresholds thresholds, MetricsWindow window, string traceId, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(time);
        var figures = await metrics.SummaryAsync(new MetricsScope(window), cancellationToken);
        var gates = await metrics.GatesAsync(window, cancellationToken);
        var acceptance = QualityGate.JudgeAcceptance(thresholds, figures);
        var document = JsonSerializer.SerializeToUtf8Bytes(new { figures, gates = gates.Gates, acceptance }, CogoJson.Indented);
        var random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        var path = string.Create(CultureInfo.InvariantCulture, $"{TaskId}/{time.GetUtcNow():yyyyMMdd'/snapshot-'HHmmss}-{random}.json");
        using var content = new MemoryStream(document);
        await store.SaveAsync(path, content, new ArtifactContext(TaskId, traceId, "application/json"), cancellationToken);
        return new MetricsSnapshot(path, document, figures, gates.Gates, acceptance);
    }
}
