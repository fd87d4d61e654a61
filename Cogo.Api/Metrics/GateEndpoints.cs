using Cogo.Api.Paging;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Metrics;

/// <summary>Gates of a window, and what the thresholds say to it.</summary>
/// <param name="All">The last word of all gates on each trace.</param>
/// <param name="Gates">Each gate by itself.</param>
/// <param name="Q1">The pass rate against its threshold.</param>
/// <param name="Acceptance">All figures against their thresholds.</param>
public sealed record GateSummary(
    string Window, DateTimeOffset Since, DateTimeOffset Until, GateCount All, IReadOnlyList<GateCount> Gates, GateAnswer Q1, GateAnswer Acceptance);

/// <summary><c>GET /api/metrics/gate/summary</c> and <c>/quality/gate/recent</c>.</summary>
internal static class GateEndpoints
{
    private static readonly PageSize Page = new(3, 100);

    public static void MapGates(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapMetrics();
        group.MapGet("/gate/summary", SummaryAsync)
            .WithName("gateSummary")
            .WithSummary("Gates, and the figures against their thresholds")
            .WithDescription("How often each gate passed and failed by its last word on each trace, and the gates `q1` and `acceptance` rule by rule, with the thresholds of configs/quality_thresholds.json. `window` defaults to theirs.")
            .WithParameter("window", "The span of time: a whole number with s, m, h or d, at most 90d. Default: that of the thresholds.", example: "24h")
            .WithExamples(null, StatusCodes.Status200OK, MetricsExamples.GateSummary);
        group.MapGet("/quality/gate/recent", RecentAsync)
            .WithName("gateRecent")
            .WithSummary("What was repaired after a gate had failed")
            .WithDescription("The newest gate_fix events with the lint and coverage artifacts of their traces. Pass `next_cursor` as `cursor` for the next page.")
            .Paged(Page)
            .WithExamples(null, StatusCodes.Status200OK, MetricsExamples.GateRecent);
    }

    private static async Task<Results<Ok<GateSummary>, ProblemHttpResult>> SummaryAsync(
        [FromQuery(Name = "window")] string? windowText, MetricsReader metrics, QualityThresholds thresholds, CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var window = MetricsQuery.ReadWindow(windowText ?? thresholds.Window, problems);
        if (problems.Count > 0)
        {
            return Problem.Invalid(problems);
        }

        var (summary, counts) = await metrics.SummaryWithGatesAsync(new MetricsScope(window), cancellationToken);
        return TypedResults.Ok(new GateSummary(
            counts.Window, counts.Since, counts.Until, counts.All, counts.Gates,
            QualityGate.JudgeQ1(thresholds, counts.Window, counts.All), QualityGate.JudgeAcceptance(thresholds, summary)));
    }

    private static Task<Results<Ok<GateFixPage>, ProblemHttpResult>> RecentAsync([AsParameters] PageQuery asked, GateReader gates, CancellationToken cancellationToken) =>
        asked.AnswerAsync(Page, (limit, cursor) => gates.FixesAsync(limit, cursor, cancellationToken));
}
