using Cogo.Core.Audit;
using Cogo.Core.Pipeline;

namespace Cogo.Cli.Run;

/// <summary>One task from request to verdict.</summary>
internal sealed class RunSession(RunTarget target, RunOptions options, IRunView view, TimeProvider time)
{
    public const string Interrupted = "interrupted";

    private const int Tries = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private readonly CogoServer _server = target.Server;
    private RunTicket? _ticket;

    /// <summary>Submits, follows and collects. What goes wrong once the task is on the bus is a result that names its trace.</summary>
    public async Task<(RunResult Result, ReportView? Report)> RunAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var work = WorkAsync(ended.Token);
        try
        {
            if (target.System is { } system)
            {
                using var done = CancellationTokenSource.CreateLinkedTokenSource(ended.Token);
                var down = system.WaitAsync(done.Token);
                if (await Task.WhenAny(work, down) == down && !ended.IsCancellationRequested)
                {
                    await ended.CancelAsync();
                    await down; // throws why
                }

                await done.CancelAsync();
            }

            return await work;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return (Infrastructure("timeout", $"There was no verdict within {Durations.Show(options.Timeout)}. {Afterwards()} Give it longer with --timeout."), null);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && _ticket is not null)
        {
            return (Infrastructure(Interrupted, $"Stopped before there was a verdict. {Afterwards()}"), null);
        }
        catch (Exception e) when (_ticket is not null && e is ServerException or CogoSystemException or HttpRequestException)
        {
            return (Infrastructure("no_answer", e.Message), null);
        }
    }

    private async Task<(RunResult Result, ReportView? Report)> WorkAsync(CancellationToken cancellationToken)
    {
        _ticket = await SubmitAsync(cancellationToken);
        view.Submitted(_ticket, options, _server);
        var follower = new TraceFollower(_server, time, view.Note);
        TimelineEntry? last = null;
        await foreach (var entry in follower.FollowAsync(_ticket.TraceId, cancellationToken))
        {
            view.Show(entry);
            last = IsEnding(entry.Type) ? entry : last;
        }

        return await CollectAsync(follower.Summary!, last, cancellationToken);
    }

    private async Task<RunTicket> SubmitAsync(CancellationToken cancellationToken)
    {
        var key = Guid.NewGuid().ToString("N");
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await _server.SubmitAsync(options.Request, key, cancellationToken);
            }
            catch (HttpRequestException e) when (attempt < Tries)
            {
                // With its key the request is taken once, however often it arrives.
                view.Note($"{_server.Address} does not answer ({e.Message}); sending the request again.");
                await Task.Delay(Pause * attempt, time, cancellationToken);
            }
        }
    }

    private async Task<(RunResult Result, ReportView? Report)> CollectAsync(TraceTimeline trace, TimelineEntry? ending, CancellationToken cancellationToken)
    {
        // The last attempt of a workflow has a folder of its own.
        var taskId = Text(ending, "task_id") ?? _ticket!.TaskId;
        var artifacts = await _server.ArtifactsAsync(taskId, _ticket!.TraceId, cancellationToken);
        var result = new RunResult
        {
            Verdict = trace.Verdict!.Value,
            TraceId = trace.TraceId,
            TaskId = taskId,
            RunId = _ticket.RunId,
            Code = Text(ending, "failure_class") ?? Text(ending, "code"),
            Reason = trace.Reason,
            Artifacts = [.. artifacts.Select(Artifact)],
        };
        // A task that failed for another reason than the change may have left a report as well.
        if ((Text(ending, "report") ?? artifacts.FirstOrDefault(artifact => artifact.Path == $"{taskId}/build-test/report.json")?.Path) is not { } path)
        {
            return result.Verdict is Verdict.Passed or Verdict.Failed && ending?.Type is EventTypes.BuildTestDone or EventTypes.WorkflowDone && options.TestsChange
                ? (Infrastructure("report_missing", $"{ending!.Type} names no report, so its verdict is not believed. The build/test worker may be of another version.") with { Artifacts = result.Artifacts }, null)
                : (result, null);
        }

        var json = await _server.JsonArtifactAsync(path, cancellationToken);
        var report = ReportView.Of(json);
        return (result with { Report = json, Code = result.Code ?? report.FailureClass, Reason = result.Reason ?? report.Message }, report);
    }

    private RunArtifact Artifact(ArtifactItem item) => new(
        item.Path,
        target.ArtifactsFolder is { } folder ? Path.Combine([folder, .. item.Path.Split('/')]) : null,
        target.ArtifactsFolder is null ? item.SignedUrl ?? new Uri(_server.Address, item.Url) : null,
        item.Bytes,
        item.Sha256,
        item.ContentType);

    private RunResult Infrastructure(string code, string reason) => new()
    {
        Verdict = Verdict.Infrastructure,
        TraceId = _ticket?.TraceId,
        TaskId = _ticket?.TaskId,
        RunId = _ticket?.RunId,
        Code = code,
        Reason = reason,
    };

    private string Afterwards() => _ticket is null
        ? "The task was not on the bus yet."
        : target.System is null
            ? $"The task goes on at {_server.Address}: look at {new Uri(_server.Address, $"/api/metrics/trace/{_ticket.TraceId}")}."
            : "The task stays on the bus and goes on with the next `cogo dev` or `cogo run` in this folder.";

    private static bool IsEnding(string type) => type is EventTypes.BuildTestDone or EventTypes.WorkflowDone or EventTypes.WorkflowCancelled || type.EndsWith("_failed", StringComparison.Ordinal);

    private static string? Text(TimelineEntry? entry, string name) =>
        entry?.Data is { ValueKind: System.Text.Json.JsonValueKind.Object } data && data.TryGetProperty(name, out var value)
            && value.ValueKind == System.Text.Json.JsonValueKind.String
            ? value.GetString()
            : null;
}
