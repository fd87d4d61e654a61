using System.ComponentModel;
using Cogo.Api.Metrics;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Admin;
using Cogo.Core.Artifacts;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Admin;

/// <summary><c>POST /api/admin/metrics/snapshot</c>.</summary>
internal static class SnapshotEndpoint
{
    public static void MapSnapshot(this IEndpointRouteBuilder group) => group
        .MapPost("/metrics/snapshot", TakeAsync)
        .WithName("adminMetricsSnapshot")
        .WithSummary("Keep the figures of a window")
        .WithDescription("As `cogo metrics snapshot`: stores figures, gates and the gate `acceptance` as an artifact, which `url` serves.")
        .WithParameter("window", "How far back figures go, such as 15m, 24h or 7d. Default: what the thresholds say.", example: "24h")
        .WithExamples(null, StatusCodes.Status201Created, AdminExamples.Snapshot);

    private static async Task<Results<Created<SnapshotTaken>, ProblemHttpResult>> TakeAsync(
        [FromQuery(Name = "window")] string? windowText,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        HttpContext context,
        AdminRequests requests,
        MetricsReader metrics,
        QualityThresholds thresholds,
        IArtifactStore store,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var window = MetricsQuery.ReadWindow(windowText ?? thresholds.Window, problems);
        if (IdempotencyKey.Problem(idempotencyKey) is { } wrong)
        {
            problems[IdempotencyKey.Header] = wrong;
        }

        if (problems.Count > 0)
        {
            return Problem.Invalid(problems);
        }

        var traceId = AdminTrace.Id();
        var result = await requests.CarryOutAsync<SnapshotTaken>(
            new AdminRequest("metrics_snapshot", window.ToString(), idempotencyKey, traceId, AdminTrace.Address(context)),
            async (_, stop) =>
            {
                var snapshot = await MetricsSnapshot.TakeAsync(metrics, store, thresholds, window, traceId, time, stop);
                return (new SnapshotTaken(snapshot.Path, $"/artifacts/{snapshot.Path}", traceId, window.ToString(), snapshot.Acceptance.Verdict, Duplicate: false), new { snapshot.Path });
            },
            cancellationToken);
        return result.Answer is { } taken
            ? TypedResults.Created(taken.Url, taken with { Duplicate = result.Duplicate })
            : NotifyEndpoints.KeyReused(idempotencyKey);
    }
}
