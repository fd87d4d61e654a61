using System.ComponentModel;
using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Workflows;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Workflows;

/// <summary>
/// <c>GET /api/workflows/{id}/events</c>: a run as it happens, as server-sent events. Events of the run have its number as
/// their id, and are sent once each and in order, also over reconnects; what steps say while they work has none, and may be
/// missed or repeated by one who reconnects.
/// </summary>
internal static class WorkflowEventStream
{
    // What comes close together is read together.
    private static readonly TimeSpan LeastPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(15);

    // Ids of events are handed out before commit: one may turn up below what was seen.
    private const int LookBack = 200;

    public static void MapWorkflowEvents(this IEndpointRouteBuilder group) => group
        .MapGet("/{id}/events", FollowAsync)
        .WithName("workflowEvents")
        .WithSummary("A run as it happens")
        .WithDescription("Server-sent events. Each event of the run has its number as `id`; with `Last-Event-ID`, as a browser sends it when it reconnects, the stream goes on after that number, none missed and none twice. Progress of the steps comes between, without an id. `ping` keeps the connection open. The stream ends with the run; asked again after the last event, the answer is 204.")
        .Produces<WorkflowEventView>(StatusCodes.Status200OK, "text/event-stream")
        .WithRequiredParameter("id", "The id of a run.", WorkflowExamples.RunId)
        .ProducesProblem(StatusCodes.Status404NotFound);

    private static async Task<Results<ServerSentEventsResult<WorkflowEventView>, NoContent, ProblemHttpResult>> FollowAsync(
        string id,
        [FromHeader(Name = "Last-Event-ID"), Description("Number of the last event that was seen.")] string? lastEventId,
        WorkflowReader runs,
        RunWatch watch,
        TimeProvider time,
        IHostApplicationLifetime lifetime,
        HttpResponse response,
        CancellationToken cancellationToken)
    {
        if (!WorkflowIds.IsRunId(id))
        {
            return WorkflowEndpoints.NotAnId("id");
        }

        var after = 0;
        if (!string.IsNullOrEmpty(lastEventId) && !int.TryParse(lastEventId, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            return Problem.Invalid("Last-Event-ID", "Last-Event-ID is the id of an event of this stream: a whole number, 0 or more.");
        }

        if (await runs.FindAsync(id, cancellationToken) is not { } run)
        {
            return WorkflowEndpoints.NotFound(id);
        }

        if (run.Status != RunStatus.Running && after >= run.LastEvent)
        {
            // To a browser this says: do not come again.
            return TypedResults.NoContent();
        }

        response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(StreamAsync(runs, watch, run, after, time, lifetime.ApplicationStopping, cancellationToken));
    }

    private static async IAsyncEnumerable<SseItem<WorkflowEventView>> StreamAsync(
        WorkflowReader runs, RunWatch watch, WorkflowRun run, int after, TimeProvider time, CancellationToken stopping, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        using var watcher = watch.Watch(run.TraceId);
        var seen = new HashSet<long>();
        var highest = 0L;
        var quietSince = time.GetTimestamp();
        while (!ended.IsCancellationRequested)
        {
            // Before its events: a run that is seen to have ended has all of them.
            var now = await runs.LookAsync(run.RunId, cancellationToken);
            var progress = await runs.ProgressAsync(run.TraceId, Math.Max(0, highest - LookBack), cancellationToken);
            var events = await runs.EventsAsync(run.TraceId, run.RunId, after, cancellationToken);
            foreach (var entry in Merged(events, [.. progress.Where(entry => seen.Add(entry.Id))]))
            {
                highest = Math.Max(highest, entry.Id);
                after = entry.Seq ?? after;
                quietSince = time.GetTimestamp();
                yield return new SseItem<WorkflowEventView>(new WorkflowEventView(entry.Type, entry.Seq, entry.At, entry.Data), entry.Type)
                {
                    EventId = entry.Seq?.ToString(CultureInfo.InvariantCulture),
                };
            }

            // Events of long ago may have left with their day: what is not there any more is not waited for.
            if (now is null || (now.Value.Status != RunStatus.Running && (after >= now.Value.LastEvent || events.Count == 0)))
            {
                yield break;
            }

            if (events.Count == WorkflowReader.EventLimit || progress.Count == WorkflowReader.EventLimit)
            {
                continue;
            }

            await Task.Delay(LeastPause, time, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (!await IsNewsAsync(watcher, PingEvery - time.GetElapsedTime(quietSince), ended.Token) && !ended.IsCancellationRequested)
            {
                quietSince = time.GetTimestamp();
                yield return new SseItem<WorkflowEventView>(new WorkflowEventView("ping", null, time.GetUtcNow(), null), "ping");
            }
        }
    }

    private static async Task<bool> IsNewsAsync(RunWatcher watcher, TimeSpan atMost, CancellationToken ended)
    {
        try
        {
            return await watcher.WaitAsync(atMost > TimeSpan.Zero ? atMost : TimeSpan.Zero, ended);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Numbered events in the order of their numbers, whatever the clock did; progress between them by its time.</summary>
    private static IEnumerable<WorkflowEvent> Merged(IReadOnlyList<WorkflowEvent> events, List<WorkflowEvent> progress)
    {
        var next = 0;
        foreach (var entry in events)
        {
            while (next < progress.Count && progress[next].At <= entry.At)
            {
                yield return progress[next++];
            }

            yield return entry;
        }

        while (next < progress.Count)
        {
            yield return progress[next++];
        }
    }
}

/// <summary>An event of a run.</summary>
/// <param name="Type">As in the audit log, for example <c>workflow_step_done</c>.</param>
/// <param name="Seq">Number within the run; absent for progress.</param>
/// <param name="At">By the database's clock.</param>
public sealed record WorkflowEventView(string Type, int? Seq, DateTimeOffset At, JsonElement? Data);
