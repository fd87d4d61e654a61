using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Cogo.Api.Metrics;

/// <summary><c>GET /api/metrics/summary</c>, <c>/latency</c> and <c>/decision-quality</c>.</summary>
internal static class FigureEndpoints
{
    private const string Parameters = " `window` is a whole number with s, m, h or d (default `24h`, at most `90d`); `route` and `tenant` narrow the figures down. What each figure is: docs/metrics.md.";

    public static void MapFigures(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapMetrics();
        group.MapGet("/summary", SummaryAsync)
            .WithName("metricsSummary")
            .WithSummary("What an operator looks at first")
            .WithDescription("Tasks by verdict, latency by stage, decision quality and gates of a window." + Parameters)
            .TakesScope()
            .WithExamples(null, StatusCodes.Status200OK, MetricsExamples.Summary);
        group.MapGet("/latency", LatencyAsync)
            .WithName("metricsLatency")
            .WithSummary("p50, p90 and p99 by stage")
            .WithDescription("Queue wait, codegen, build, test and end to end in milliseconds, all together and by route and tenant." + Parameters)
            .TakesScope()
            .WithExamples(null, StatusCodes.Status200OK, MetricsExamples.Latency);
        group.MapGet("/decision-quality", DecisionQualityAsync)
            .WithName("metricsDecisionQuality")
            .WithSummary("How many decisions held")
            .WithDescription("Each step of the pipeline decides something, and a later one shows whether it was right: decisions that held by decisions that were judged, by kind and engine. `route` does not matter here." + Parameters)
            .TakesScope()
            .WithExamples(null, StatusCodes.Status200OK, MetricsExamples.DecisionQuality);
    }

    /// <summary>Describes the parameters of a <see cref="MetricsQuery"/>.</summary>
    public static RouteHandlerBuilder TakesScope(this RouteHandlerBuilder endpoint) => endpoint
        .WithParameter("window", "The span of time up to now: a whole number with s, m, h or d, at most 90d. Default: 24h.", example: "24h")
        .WithParameter("route", "Only of this route: service/role/shard.", example: $"{Route.BuildTest}")
        .WithParameter("tenant", "Only of this tenant: 1 to 200 characters.", example: "shop");

    /// <summary>What all endpoints of figures have in common.</summary>
    public static RouteGroupBuilder MapMetrics(this IEndpointRouteBuilder endpoints) => endpoints.MapGroup("/api/metrics").WithTags("Metrics");

    private static Task<Results<Ok<MetricsSummary>, ProblemHttpResult>> SummaryAsync(
        [AsParameters] MetricsQuery query, MetricsReader metrics, CancellationToken cancellationToken) =>
        AnswerAsync(query, scope => metrics.SummaryAsync(scope, cancellationToken));

    private static Task<Results<Ok<LatencyFigures>, ProblemHttpResult>> LatencyAsync(
        [AsParameters] MetricsQuery query, MetricsReader metrics, CancellationToken cancellationToken) =>
        AnswerAsync(query, scope => metrics.LatencyAsync(scope, cancellationToken));

    private static Task<Results<Ok<DecisionQuality>, ProblemHttpResult>> DecisionQualityAsync(
        [AsParameters] MetricsQuery query, MetricsReader metrics, CancellationToken cancellationToken) =>
        AnswerAsync(query, scope => metrics.DecisionQualityAsync(scope, cancellationToken));

    private static async Task<Results<Ok<T>, ProblemHttpResult>> AnswerAsync<T>(MetricsQuery query, Func<MetricsScope, Task<T>> read)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        return query.Read(problems) is { } scope ? TypedResults.Ok(await read(scope)) : Problem.Invalid(problems);
    }
}
