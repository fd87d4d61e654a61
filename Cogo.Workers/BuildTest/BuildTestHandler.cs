using System.Security.Cryptography;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Artifacts;
using Cogo.Core.Audit;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.BuildTest;

/// <summary>
/// Reads <c>code/build-test/0</c>: checks the base out, applies the stored change, builds and tests it, and stores
/// <c>&lt;task&gt;/build-test/report.json</c> with the logs beside it. A red result is a result: the message is done and
/// <c>buildtest_done</c> says <c>failed</c>. <c>buildtest_failed</c> means that there is no result.
/// </summary>
public sealed class BuildTestHandler(
    BuildTestOptions options, RepositoryCache repositories, BuildTestRunner runner, IArtifactStore artifacts, IEventLog events, ILogger<BuildTestHandler> logger) : IMessageHandler
{
    private const string Stage = "build-test";

    public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        if (PipelineRequest.TryRead(delivery.Payload, out var problem) is not { } request)
        {
            return new Outcome.Fail("malformed_request", problem!, Verdict.Invalid);
        }

        var problems = RequestRules.Check(request, Route.BuildTest);
        if (problems.Count > 0)
        {
            return new Outcome.Fail("invalid_request", string.Join(' ', problems.Select(p => p.Message)), Verdict.Invalid);
        }

        try
        {
            return await BuildAndTestAsync(delivery, request, request.Change!, cancellationToken);
        }
        catch (WorkspaceException e) when (e.Verdict == Verdict.Infrastructure)
        {
            return new Outcome.Retry(e.Message);
        }
        catch (WorkspaceException e)
        {
            return new Outcome.Fail(e.Code, e.Message, e.Verdict);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Outcome.Retry($"A file could not be read or written: {e.Message}");
        }
    }

    private async Task<Outcome> BuildAndTestAsync(Delivery delivery, PipelineRequest request, ChangeReference change, CancellationToken cancellationToken)
    {
        if (await ReadAsync(change, cancellationToken) is not { } diff)
        {
            return new Outcome.Retry($"There is no artifact {change.Path} in this worker's store: every worker must see the same one (ARTIFACTS_BASE).");
        }

        if (Convert.ToHexStringLower(SHA256.HashData(diff)) != change.Sha256)
        {
            return new Outcome.Fail("change_corrupt", $"The artifact {change.Path} is not the one that codegen stored: its SHA-256 differs. Send the request again.", Verdict.Infrastructure);
        }

        var taskId = request.TaskId ?? $"task-{delivery.MessageId}";
        await using var copy = await repositories.CheckOutAsync(request.Repo, change.BaseCommit, cancellationToken);
        await copy.ApplyAsync(diff, PatchRules.Stored, cancellationToken);
        var input = new BuildTestInput
        {
            Folder = copy.Project.Root,
            ResultsFolder = Path.Combine(copy.ScratchFolder, "results"),
            TemporaryFolder = copy.TemporaryFolder,
            TaskId = taskId,
            TraceId = delivery.TraceId,
            AttemptId = $"{delivery.MessageId}-{delivery.Attempt}",
            Change = change,
            Limits = options.Limits,
        };
        BuildTestReport report;
        await using (var progress = new ProgressLog(events, delivery, logger))
        {
            report = await runner.RunAsync(input, stage => progress.Add(EventTypes.BuildTestProgress, stage), cancellationToken);
        }

        var stored = await StoreAsync(input, report, cancellationToken);
        return Conclude(taskId, stored);
    }

    private static Outcome Conclude(string taskId, BuildTestReport report)
    {
        switch (report.Verdict)
        {
            case Verdict.Invalid:
                return new Outcome.Fail(report.FailureClass!, report.Message!, Verdict.Invalid);
            case Verdict.Infrastructure when report.FailureClass is FailureClass.ToolchainMissing or FailureClass.CannotStart:
                // The same machine would say the same again.
                return new Outcome.Fail(report.FailureClass, report.Message!, Verdict.Infrastructure);
            case Verdict.Infrastructure:
                return new Outcome.Retry($"{report.FailureClass}: {report.Message}");
            default:
                var data = new
                {
                    task_id = taskId,
                    verdict = report.Verdict,
                    failure_class = report.FailureClass,
                    message = report.Message,
                    report = ReportPath(taskId),
                    base_commit = report.BaseCommit,
                    patch_sha256 = report.PatchSha256,
                    // Milliseconds.
                    stages = report.Stages.ToDictionary(stage => stage.Name, stage => (long)(stage.Duration * 1000), StringComparer.Ordinal),
                    tests = new { report.Tests.Total, report.Tests.Passed, report.Tests.Failed, report.Tests.Errored, report.Tests.Skipped },
                };
                return Outcome.Completed(events: [new AuditEvent(EventTypes.BuildTestDone, data)]);
        }
    }

    /// <summary>Stores what the run left behind, and last the report, in which paths are now those of the store.</summary>
    private async Task<BuildTestReport> StoreAsync(BuildTestInput input, BuildTestReport report, CancellationToken cancellationToken)
    {
        var stored = new List<Artifact>();
        foreach (var artifact in report.Artifacts)
        {
            await using var content = File.OpenRead(Path.Combine(input.ResultsFolder, artifact.Path));
            stored.Add(await artifacts.SaveAsync(
                StoredPath(input.TaskId, artifact.Path), content, new ArtifactContext(input.TaskId, input.TraceId, ContentType(artifact.Path)), cancellationToken));
        }

        var final = report with
        {
            Artifacts = stored,
            Stages = [.. report.Stages.Select(stage => stage with { Log = StoredPath(input.TaskId, stage.Log) })],
        };
        using var json = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(final, CogoJson.Indented));
        await artifacts.SaveAsync(
            ReportPath(input.TaskId), json, new ArtifactContext(input.TaskId, input.TraceId, "application/json"), cancellationToken);
        return final;
    }

    private async Task<byte[]?> ReadAsync(ChangeReference change, CancellationToken cancellationToken)
    {
        await using var stored = await artifacts.OpenAsync(change.Path, cancellationToken);
        if (stored is null)
        {
            return null;
        }

        using var buffer = new MemoryStream();
        try
        {
            await stored.CopyToAsync(buffer, cancellationToken);
        }
        catch (InvalidDataException e)
        {
            throw new WorkspaceException("change_corrupt", e.Message, Verdict.Infrastructure, e);
        }

        return buffer.ToArray();
    }

    private static string ReportPath(string taskId) => $"{taskId}/{Stage}/report.json";

    private static string StoredPath(string taskId, string relative) => $"{taskId}/{Stage}/{relative}";

    private static string ContentType(string path) => Path.GetExtension(path) switch
    {
        ".json" => "application/json",
        ".xml" or ".trx" => "application/xml",
        _ => "text/plain; charset=utf-8",
    };
}
