using System.Globalization;
using Cogo.Cli.Run;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Cogo.Core.Pipeline;

namespace Cogo.Cli.Smoke;

/// <summary>Holds a gate over one trace.</summary>
internal sealed class GateTraceSmoke(CogoServer server, TimeProvider time, TimeSpan timeout, QualityThresholds thresholds)
{
    private const string Name = "gate-trace";
    private static readonly string[] Steps = [EventTypes.ExecuteEnqueued, EventTypes.ExecuteDone, EventTypes.CodegenDone, EventTypes.BuildTestDone];
    private static readonly string[] Routes = [Route.Execute.ToString(), Route.Codegen.ToString(), Route.BuildTest.ToString()];

    /// <summary>The answer, and the trace that it is about; null when there is none.</summary>
    /// <exception cref="InputException">The given trace is no trace id.</exception>
    public async Task<(GateAnswer Answer, string? TraceId)> RunAsync(string? traceId, CancellationToken cancellationToken)
    {
        if (traceId is not null && !TraceReader.IsTraceId(traceId))
        {
            throw new InputException($"--trace is '{traceId}': a trace id has 32 lowercase hex digits.");
        }

        var checks = new Checks();
        TraceTimeline trace;
        if (traceId is null)
        {
            var task = new SmokeTask(server, time, timeout);
            if (await task.ObstacleAsync(cancellationToken) is { } obstacle)
            {
                checks.Unknown("server", "a Cogo with its workers", "none", obstacle);
                return (checks.Answer(Name), null);
            }

            using var repository = await SmokeRepository.CreateAsync(cancellationToken);
            trace = await task.RunAsync(repository, SmokeRepository.GoodPatch, "trace", null, cancellationToken);
        }
        else
        {
            trace = await server.WholeTraceAsync(traceId, cancellationToken);
        }

        Judge(checks, trace);
        return (checks.Answer(Name), trace.TraceId);
    }

    private void Judge(Checks checks, TraceTimeline trace)
    {
        if (trace.Verdict is null)
        {
            checks.Unknown("verdict", "passed", "none yet", "The task has not ended: judge it when it has.");
            return;
        }

        if (trace.HasMore)
        {
            checks.Unknown("whole", "all entries in one answer", "more than the server shows at once", "This trace is too long to be judged.");
            return;
        }

        var word = trace.Verdict.Value.ToString().ToLowerInvariant();
        if (trace.Verdict == Verdict.Infrastructure)
        {
            checks.Unknown("verdict", "passed", word, trace.Reason ?? "The machine is at fault; nothing is known about the change.");
        }
        else
        {
            checks.Add("verdict", "passed", word, trace.Verdict == Verdict.Passed, trace.Reason ?? "The change is not green.");
        }

        var events = trace.Timeline.Where(entry => entry.Kind == TimelineKind.Event).ToList();
        var steps = events.Select(entry => entry.Type).Where(type => Steps.Contains(type, StringComparer.Ordinal)).ToList();
        checks.Add("steps", string.Join(", ", Steps), steps.Count == 0 ? "none" : string.Join(", ", steps), IsInOrder(steps), "A step is missing, or they are out of order.");
        var routes = trace.Timeline.Where(entry => entry.Kind == TimelineKind.Message).Select(entry => entry.Route).Distinct(StringComparer.Ordinal).ToList();
        checks.Add("messages", string.Join(", ", Routes), routes.Count == 0 ? "none" : string.Join(", ", routes), Routes.All(routes.Contains), "A message of the task does not carry its trace.");
        var files = trace.Timeline.Where(entry => entry.Kind == TimelineKind.Artifact)
            .Select(entry => entry.Data is { } data && data.TryGetProperty("path", out var path) ? path.GetString() ?? "" : "").ToList();
        var hasReport = files.Exists(path => path.EndsWith("/build-test/report.json", StringComparison.Ordinal)) && files.Exists(path => path.EndsWith("/codegen/change.diff", StringComparison.Ordinal));
        checks.Add("artifacts", "change.diff, report.json", $"{files.Count} files{(hasReport ? ", both among them" : "")}", hasReport, "The change or the report is not among the trace's artifacts.");
        JudgeLatency(checks, trace, events);
    }

    private void JudgeLatency(Checks checks, TraceTimeline trace, List<TimelineEntry> events)
    {
        var bound = thresholds.P90Latency;
        double? milliseconds = bound.Stage switch
        {
            Stages.QueueWait => events.Max(entry => entry.QueuedMs),
            Stages.Codegen => events.Where(entry => entry.Type == EventTypes.CodegenDone).Max(entry => entry.RanMs),
            Stages.EndToEnd => (trace.EndedAt - trace.StartedAt)?.TotalMilliseconds,
            var stage => Stage(events.LastOrDefault(entry => entry.Type == EventTypes.BuildTestDone), stage),
        };
        var expected = string.Create(CultureInfo.InvariantCulture, $"{bound.Stage} <= {bound.MaxSeconds:0.###} s");
        if (milliseconds is not { } took)
        {
            checks.Unknown("latency", expected, "not measured", $"No event of the trace tells {bound.Stage}.");
            return;
        }

        checks.Add("latency", expected, string.Create(CultureInfo.InvariantCulture, $"{took / 1000:0.###} s"), took <= bound.MaxSeconds * 1000, "Slower than the threshold: /api/metrics/latency shows whether others are too.");
    }

    private static double? Stage(TimelineEntry? entry, string stage) =>
        entry?.Data is { ValueKind: System.Text.Json.JsonValueKind.Object } data && data.TryGetProperty("stages", out var stages)
            && stages.ValueKind == System.Text.Json.JsonValueKind.Object && stages.TryGetProperty(stage, out var value) && value.TryGetDouble(out var took)
            ? took
            : null;

    // A repeated step (a retry after a crash) does not matter, as long as each comes after the one before.
    private static bool IsInOrder(List<string> steps)
    {
        var at = -1;
        foreach (var step in Steps)
        {
            at = steps.IndexOf(step, at + 1);
            if (at < 0)
            {
                return false;
            }
        }

        return true;
    }
}
