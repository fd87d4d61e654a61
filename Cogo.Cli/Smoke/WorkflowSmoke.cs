using Cogo.Cli.Run;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;

namespace Cogo.Cli.Smoke;

/// <summary>A durable run that is red at first and mended by its repair.</summary>
internal sealed class WorkflowSmoke(CogoServer server, TimeProvider time, TimeSpan timeout)
{
    // Red at first; the repair, which finds its number in COGO_REPAIR, is green.
    private const string Mend = "if [ \"${COGO_REPAIR:-0}\" = 0 ]; then echo 40 > answer.txt; else echo 42 > answer.txt; fi";

    private static readonly string[] Wanted = [EventTypes.WorkflowStarted, EventTypes.WorkflowRepair, EventTypes.GateFix, EventTypes.GatePassed, EventTypes.WorkflowDone];

    public async Task<(GateAnswer Answer, string? TraceId)> RunAsync(CancellationToken cancellationToken)
    {
        var checks = new Checks();
        var task = new SmokeTask(server, time, timeout);
        var obstacle = await task.ObstacleAsync(cancellationToken);
        if (obstacle is null && await server.LookAsync(cancellationToken) is { } status && !status.Reads(new Route("workflow", "run", "0")))
        {
            obstacle = "No worker reads workflow/run/0: start one, or cogo dev.";
        }

        if (obstacle is not null)
        {
            checks.Unknown("server", "a Cogo with its workers", "none", obstacle);
            return (checks.Answer("workflows"), null);
        }

        using var repository = await SmokeRepository.CreateAsync(cancellationToken);
        var request = new RunRequest
        {
            Template = WorkflowTemplate.CodeBuildTest.Name,
            MaxRepairs = 1,
            TaskId = $"smoke-workflow-{Guid.NewGuid().ToString("N")[..12]}",
            Repo = repository.Path,
            Engine = RequestRules.CommandEngine,
            Command = Mend,
        };
        var trace = await task.RunAsync(request, cancellationToken);
        Judge(checks, trace);
        return (checks.Answer("workflows"), trace.TraceId);
    }

    private void Judge(Checks checks, TraceTimeline trace)
    {
        if (trace.Verdict is null or Verdict.Infrastructure)
        {
            checks.Unknown("run", "passed", trace.Verdict?.ToString().ToLowerInvariant() ?? "none in time", $"{trace.Reason ?? $"The run did not end within {timeout.TotalSeconds} s."} Trace {trace.TraceId}.");
            return;
        }

        checks.Add("run", "passed", trace.Verdict.Value.ToString().ToLowerInvariant(), trace.Verdict == Verdict.Passed, $"{trace.Reason ?? "It should be green after its repair."} Trace {trace.TraceId}.");
        var types = trace.Timeline.Where(entry => entry.Kind == TimelineKind.Event).Select(entry => entry.Type).Where(type => Wanted.Contains(type, StringComparer.Ordinal)).ToList();
        checks.Add("events", string.Join(", ", Wanted), types.Count == 0 ? "none" : string.Join(", ", types), types.SequenceEqual(Wanted, StringComparer.Ordinal), $"Look at trace {trace.TraceId}.");
        var builds = trace.Timeline.Where(entry => entry.Type == EventTypes.BuildTestDone)
            .Select(entry => entry.Data is { } data && data.TryGetProperty("verdict", out var verdict) ? verdict.GetString() : null).ToList();
        checks.Add("repair", "failed, then passed", builds.Count == 0 ? "nothing was tested" : string.Join(", then ", builds), builds is ["failed", "passed"], "The repair loop did not mend what was red.");
    }
}
