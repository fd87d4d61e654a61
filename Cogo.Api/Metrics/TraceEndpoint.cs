using System.Globalization;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Audit;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Metrics;

/// <summary><c>GET /api/metrics/trace/{traceId}</c>.</summary>
internal static class TraceEndpoint
{
    public static void MapTrace(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet("/api/metrics/trace/{traceId}", ReadAsync)
        .WithName("trace")
        .WithTags("Metrics")
        .WithSummary("Everything that happened under one trace")
        .WithDescription("Messages, events, artifacts, workflow steps, and the spans of attempts, oldest first; `kind` says which. `verdict` is there once the task has ended. With `after_event` the timeline holds only events with a higher id, for following a task as it runs; ids are handed out before commit, so ask from a little further back than the highest one you know.")
        .WithRequiredParameter("traceId", "The trace that a request was answered with: 32 hex digits.", ApiExamples.TraceId)
        .WithParameter("after_event", "Only events with a higher id.", ParameterExtensions.WholeNumber(from: 0))
        .ProducesProblem(StatusCodes.Status404NotFound)
        .WithExamples(null, StatusCodes.Status200OK, ApiExamples.Trace);

    private static async Task<Results<Ok<TraceTimeline>, ProblemHttpResult>> ReadAsync(
        string traceId, [FromQuery(Name = "after_event")] string? afterEvent, TraceReader traces, CancellationToken cancellationToken)
    {
        var id = traceId.ToLowerInvariant();
        if (!TraceReader.IsTraceId(id))
        {
            return Problem.Invalid("traceId", "A trace id has 32 hex digits, as in the trace_id that a request was answered with.");
        }

        long? after = null;
        if (afterEvent is not null)
        {
            if (!long.TryParse(afterEvent, NumberStyles.None, CultureInfo.InvariantCulture, out var eventId))
            {
                return Problem.Invalid("after_event", "after_event is the id of an event: a whole number, 0 or more.");
            }

            after = eventId;
        }

        return await traces.ReadAsync(id, after, cancellationToken) is { } trace
            ? TypedResults.Ok(trace)
            : Problem.Of(StatusCodes.Status404NotFound, "trace_not_found", $"No message and no event has the trace {id}. Look at the trace_id that the request was answered with.");
    }
}
