using System.Diagnostics;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Audit;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Indexing;

/// <summary>
/// Reads <c>workflow/indexing/0</c>: brings the code index of a repository up to a commit and stores
/// <c>&lt;task&gt;/indexing/index.json</c>. Audited as <c>indexing_done</c> with its figures, <c>indexing_retry</c>, or
/// <c>indexing_failed</c> with a code: <c>malformed_request</c>, <c>invalid_request</c>, <c>too_many_files</c>, and those of
/// <see cref="WorkspaceCodes"/>. What is committed is indexed; other changes in a local repository are not looked at.
/// </summary>
public sealed partial class IndexingHandler(RepositoryIndexer indexer, IArtifactStore artifacts, IEventLog events, TimeProvider time, ILogger<IndexingHandler> logger) : IMessageHandler
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(5);

    public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        if (PipelineRequest.TryRead(delivery.Payload, out var problem) is not { } request)
            return new Outcome.Fail("malformed_request", problem!, Verdict.Invalid);

        var problems = RequestRules.Check(request, Route.Indexing);
        if (problems.Count > 0)
            return new Outcome.Fail("invalid_request", string.Join(' ', problems.Select(p => p.Message)), Verdict.Invalid);

        var taskId = request.TaskId ?? $"task-{delivery.MessageId}";
        Activity.Current?.SetTag("cogo.task_id", taskId);
        try
        {
            return await IndexAsync(delivery, request, taskId, cancellationToken);
        }
        catch (IndexBusyException e)
        {
            // Waiting for another run is no attempt.
            return new Outcome.Retry(e.Message, BusyPause) { Counts = false };
        }
        catch (WorkspaceException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return e.Verdict == Verdict.Infrastructure ? new Outcome.Retry(e.Message) : new Outcome.Fail(e.Code, e.Message, e.Verdict);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Outcome.Retry($"A file could not be read or written: {e.Message}");
        }
    }

    private async Task<Outcome> IndexAsync(Delivery delivery, PipelineRequest request, string taskId, CancellationToken cancellationToken)
    {
        IndexResult result;
        await using (var progress = new ProgressLog(events, delivery, logger))
        {
            var told = time.GetTimestamp();
            result = await indexer.IndexAsync(request.Repo, request.Base, at =>
            {
                if (at.Files == at.Of || time.GetElapsedTime(told) < Interval)
                    return;
                told = time.GetTimestamp();
                progress.Add(EventTypes.IndexingProgress, new { task_id = taskId, text = $"{at.Files} of {at.Of} files", files = at.Files, of = at.Of });
            }, cancellationToken);
        }

        using var json = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(result, CogoJson.Indented));
        var stored = await artifacts.SaveAsync($"{taskId}/indexing/index.json", json, new ArtifactContext(taskId, delivery.TraceId, "application/json"), cancellationToken);
        LogIndexed(taskId, result.Repo, result.Files, result.DurationMs);
        return Outcome.Completed([new AuditEvent(EventTypes.IndexingDone, new
        {
            task_id = taskId,
            repo = result.Repo,
            base_commit = result.Commit,
            unchanged = result.Unchanged,
            files = result.Files,
            lines = result.Lines,
            symbols = result.Symbols,
            names = result.Names,
            added = result.Added,
            changed = result.Changed,
            removed = result.Removed,
            skipped = result.Skipped,
            missing = result.Missing,
            trigrams = result.Trigrams,
            duration_ms = result.DurationMs,
            artifacts = (IReadOnlyList<Artifact>)[stored],
        })]);
    }

    [LoggerMessage(3301, LogLevel.Information, "Task {Task}: {Repo} is indexed, {Files} files, in {Milliseconds} ms")]
    private partial void LogIndexed(string task, string repo, int files, long milliseconds);
}
