using Cogo.Api.Paging;
using Cogo.Api.Reference;
using Cogo.Core.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Metrics;

/// <summary><c>GET /api/metrics/events</c>.</summary>
internal static class EventEndpoint
{
    private const int MaxTypes = 50;

    private static readonly PageSize Page = new(100, 1_000);

    public static void MapEvents(this IEndpointRouteBuilder endpoints) => endpoints.MapMetrics()
        .MapGet("/events", ListAsync)
        .WithName("metricsEvents")
        .WithSummary("The audit log, newest first")
        .WithDescription("Rows of bus_events within `window` (default `24h`), of the given `type` (several with commas), `trace_id`, `route` and `tenant`. Pass `next_cursor` as `cursor` for the next page.")
        .TakesScope()
        .WithParameter("type", $"Only events of these types: up to {MaxTypes}, with commas between them.", example: "codegen_done,buildtest_done")
        .WithParameter("trace_id", "Only events of this trace: 32 lowercase hex digits.", example: ApiExamples.TraceId)
        .Paged(Page)
        .WithExamples(null, StatusCodes.Status200OK, MetricsExamples.Events);

    private static async Task<Results<Ok<EventPage>, ProblemHttpResult>> ListAsync(
        [AsParameters] MetricsQuery query,
        [FromQuery(Name = "type")] string? type,
        [FromQuery(Name = "trace_id")] string? traceId,
        [AsParameters] PageQuery asked,
        EventReader events,
        CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var scope = query.Read(problems);
        var types = type?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (types is not null && (types.Length is 0 or > MaxTypes || types.Any(one => one.Length > 63 || one.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '_'))))
        {
            problems["type"] = $"type is up to {MaxTypes} types of events with commas between them, each of a-z 0-9 _, such as codegen_done,buildtest_done.";
        }

        if (traceId is not null && !TraceReader.IsTraceId(traceId))
        {
            problems["trace_id"] = "A trace id has 32 lowercase hex digits.";
        }

        return await asked.AnswerAsync(Page, problems, (limit, cursor) => events.ListAsync(
            scope!.Window, new EventFilter { Types = types, TraceId = traceId, Route = scope.Route, Tenant = scope.Tenant }, limit, cursor, cancellationToken));
    }
}
