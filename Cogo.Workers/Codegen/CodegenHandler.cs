using System.Diagnostics;
using Cogo.Core.Artifacts;
using Cogo.Core.Audit;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen;

/// <summary>
/// Reads <c>codegen/generate/0</c>: checks the base out, lets an engine change it, stores the change and passes it on.
/// Every attempt starts anew from the base, so one that a crash cut short leaves nothing that counts. Final failures
/// are audited as <c>codegen_failed</c> with a code: <c>malformed_request</c>, <c>invalid_request</c>,
/// <c>no_change</c>, the engine's own, and those of <see cref="WorkspaceCodes"/>.
/// </summary>
public sealed partial class CodegenHandler : IMessageHandler
{
    private readonly RepositoryCache _repositories;
    private readonly WorkspaceOptions _workspaces;
    private readonly Dictionary<string, ICodegenEngine> _engines;
    private readonly IArtifactStore _artifacts;
    private readonly RepairStart _repairs;
    private readonly IEventLog _events;
    private readonly CodegenOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CodegenHandler> _logger;

    public CodegenHandler(
        RepositoryCache repositories, WorkspaceOptions workspaces, IEnumerable<ICodegenEngine> engines, IArtifactStore artifacts,
        IEventLog events, CodegenOptions options, TimeProvider time, ILogger<CodegenHandler> logger)
    {
        _repositories = repositories;
        _workspaces = workspaces;
        _engines = engines.ToDictionary(engine => engine.Name, StringComparer.Ordinal);
        _artifacts = artifacts;
        _repairs = new RepairStart(artifacts);
        _events = events;
        _options = options;
        _time = time;
        _logger = logger;
    }

    public async Task<Outcome> HandleAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(delivery);
        if (PipelineRequest.TryRead(delivery.Payload, out var problem) is not { } request)
            return new Outcome.Fail("malformed_request", problem!, Verdict.Invalid);

        var problems = RequestRules.Check(request, Route.Codegen);
        if (problems.Count > 0)
            return new Outcome.Fail("invalid_request", string.Join(' ', problems.Select(p => p.Message)), Verdict.Invalid);

        if (!_engines.TryGetValue(request.Engine!, out var engine))
            return new Outcome.Fail("unknown_engine", $"This worker has no engine '{request.Engine}': use one of {string.Join(", ", _engines.Keys.Order(StringComparer.Ordinal))}.", Verdict.Invalid);

        var taskId = request.TaskId ?? $"task-{delivery.MessageId}";
        request = request with { TaskId = taskId };
        Activity.Current?.SetTag("cogo.task_id", taskId).SetTag("cogo.engine", engine.Name);
        LogStarted(taskId, engine.Name, delivery.Attempt);
        try
        {
            if (request.AllowDirty is not true)
                await LocalRepository.EnsureCleanAsync(request.Repo!, _workspaces, cancellationToken);

            await using var copy = await _repositories.CheckOutAsync(request.Repo, request.Base, cancellationToken);
            if (request.Repair is not null)
                request = await _repairs.PrepareAsync(request, copy, cancellationToken);
            return await AttemptAsync(delivery, request, engine, copy, cancellationToken);
        }
        catch (WorkspaceException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return e.Verdict == Verdict.Infrastructure ? new Outcome.Retry(e.Message) : new Outcome.Fail(e.Code, e.Message, e.Verdict);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogDisk(e, taskId);
            return new Outcome.Retry($"A file of task {taskId} could not be read or written: {e.Message}");
        }
    }

    private async Task<Outcome> AttemptAsync(Delivery delivery, PipelineRequest request, ICodegenEngine engine, WorkingCopy copy, CancellationToken cancellationToken)
    {
        var taskId = request.TaskId!;
        var artifacts = new ChangeArtifacts(_artifacts, taskId, delivery.TraceId);
        using var log = new CodegenLog(Path.Combine(copy.ScratchFolder, "codegen.log"), _time, _options.LogLimitBytes);
        log.Write($"{engine.Name} on {copy.Repository} at {copy.BaseCommit}, attempt {delivery.Attempt}");
        var started = _time.GetTimestamp();
        EngineResult result;
        WorkingCopyChange? change;
        await using (var feed = new ProgressFeed(delivery, taskId, _events, _options.ProgressInterval, _time, _logger, cancellationToken))
        {
            var context = new EngineContext
            {
                Copy = copy,
                Request = request,
                TaskId = taskId,
                TraceId = delivery.TraceId,
                Log = log,
                Progress = line => feed.Add(line),
            };
            (result, change) = await ChangeAsync(engine, context, cancellationToken);
        }

        var took = _time.GetElapsedTime(started);
        CodegenMeter.Count(engine.Name, result, took);
        log.Write(result switch
        {
            EngineResult.Failed failed => $"failed ({failed.Code}): {failed.Reason}",
            EngineResult.TryAgain again => $"to be tried again: {again.Reason}",
            _ => $"done in {took.TotalSeconds:0.0} s",
        });
        await artifacts.SaveLogAsync(log, cancellationToken);
        await artifacts.SaveCostAsync(Cost(taskId, engine, result.Cost, took, delivery.Attempt), cancellationToken);
        if (change is not null)
            return await PassOnAsync(delivery, request, engine, copy, change, result, artifacts, cancellationToken);

        LogNotChanged(taskId, engine.Name, result);
        await _events.AppendAsync(
            delivery, new AuditEvent(EventTypes.CodegenProgress, new { task_id = taskId, text = "no change was made; the log is kept", artifacts = artifacts.Stored }), cancellationToken);
        return result switch
        {
            EngineResult.Failed failed => new Outcome.Fail(failed.Code, failed.Reason, failed.Verdict),
            EngineResult.TryAgain again => new Outcome.Retry(again.Reason, again.After),
            _ => throw new InvalidOperationException($"The engine {engine.Name} ended with {result.GetType().Name} and without a change."),
        };
    }

    /// <summary>The engine's word, and the change when there is one.</summary>
    private static async Task<(EngineResult Result, WorkingCopyChange? Change)> ChangeAsync(ICodegenEngine engine, EngineContext context, CancellationToken cancellationToken)
    {
        EngineResult result = new EngineResult.Done();
        try
        {
            result = await engine.RunAsync(context, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            if (result is not EngineResult.Done)
                return (result, null);

            var change = await context.Copy.TakeChangeAsync(PatchRules.Stored, cancellationToken);
            if (RepairStart.IsSame(context.Request, change))
                return (new EngineResult.Failed("no_repair", $"The {engine.Name} engine ended well but left the change as it was, which the tests had found red: {Hint(engine.Name)}", Verdict.Failed) { Cost = result.Cost }, null);

            return change.Files.Count > 0
                ? (result, change)
                : (new EngineResult.Failed("no_change", $"The {engine.Name} engine ended well but no file differs from the base {context.Copy.BaseCommit[..12]}: {Hint(engine.Name)}", Verdict.Failed) { Cost = result.Cost }, null);
        }
        catch (WorkspaceException e) when (e.Verdict == Verdict.Infrastructure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return (new EngineResult.TryAgain(e.Message) { Cost = result.Cost }, null);
        }
        catch (WorkspaceException e)
        {
            // A patch was sent with the request; what any other engine made is a fault of the change.
            var verdict = engine.Name == RequestRules.PatchEngine ? e.Verdict : Verdict.Failed;
            return (new EngineResult.Failed(e.Code, e.Message, verdict) { Cost = result.Cost }, null);
        }
    }

    private async Task<Outcome> PassOnAsync(
        Delivery delivery, PipelineRequest request, ICodegenEngine engine, WorkingCopy copy, WorkingCopyChange change, EngineResult result,
        ChangeArtifacts artifacts, CancellationToken cancellationToken)
    {
        var taskId = request.TaskId!;
        var cost = result.Cost;
        var files = await ChangeArtifacts.DescribeAsync(copy, change, cancellationToken);
        var edits = new Edits
        {
            TaskId = taskId,
            Engine = engine.Name,
            Model = cost.Model,
            Repo = copy.Repository,
            Subfolder = copy.Subfolder.Length > 0 ? copy.Subfolder : null,
            BaseCommit = copy.BaseCommit,
            Added = files.Sum(file => file.Added),
            Removed = files.Sum(file => file.Removed),
            Files = files,
            Context = result.Context,
        };
        await artifacts.SaveEditsAsync(edits, cancellationToken);
        var diff = await artifacts.SaveDiffAsync(change.Diff, cancellationToken);
        LogChanged(taskId, engine.Name, files.Count, edits.Added, edits.Removed);
        var done = new AuditEvent(EventTypes.CodegenDone, new
        {
            task_id = taskId,
            engine = engine.Name,
            model = cost.Model,
            base_commit = copy.BaseCommit,
            repair = request.Repair?.Number,
            change = Reference(copy, diff, engine, cost),
            files = files.Count,
            added = edits.Added,
            removed = edits.Removed,
            input_tokens = cost.InputTokens,
            output_tokens = cost.OutputTokens,
            cost_usd = cost.CostUsd,
            artifacts = artifacts.Stored,
            next = request.Next,
        });
        return Outcome.Completed([done], request.Next is null ? [] : [Next(delivery, request, copy, diff, engine, cost)]);
    }

    private static OutgoingMessage Next(Delivery delivery, PipelineRequest request, WorkingCopy copy, Artifact diff, ICodegenEngine engine, EngineCost cost)
    {
        // What codegen was given is done with: the stored diff stands for it.
        var next = request with
        {
            Target = null,
            Next = null,
            Patch = null,
            Command = null,
            Base = copy.BaseCommit,
            Repair = null,
            Change = Reference(copy, diff, engine, cost),
        };
        return OutgoingMessage.Of(Route.Parse(request.Next!), next) with
        {
            Tenant = delivery.Tenant,
            TraceId = delivery.TraceId,
            Priority = delivery.Priority,
            MaxAttempts = delivery.MaxAttempts,
        };
    }

    private static ChangeReference Reference(WorkingCopy copy, Artifact diff, ICodegenEngine engine, EngineCost cost) => new()
    {
        Path = diff.Path,
        Sha256 = diff.Sha256,
        BaseCommit = copy.BaseCommit,
        Engine = engine.Name,
        Model = cost.Model,
        InputTokens = cost.InputTokens,
        OutputTokens = cost.OutputTokens,
        CostUsd = cost.CostUsd,
    };

    private static CostReport Cost(string taskId, ICodegenEngine engine, EngineCost cost, TimeSpan took, int attempt) => new()
    {
        TaskId = taskId,
        Engine = engine.Name,
        Model = cost.Model,
        Turns = cost.Turns,
        InputTokens = cost.InputTokens,
        OutputTokens = cost.OutputTokens,
        CostUsd = cost.CostUsd,
        DurationMs = (long)took.TotalMilliseconds,
        Attempt = attempt,
    };

    private static string Hint(string engine) => engine switch
    {
        RequestRules.PatchEngine => "the patch is in the base already.",
        RequestRules.CommandEngine => "see codegen.log for what the command printed; files that .gitignore names do not count.",
        _ => "see codegen.log, and say in the task which behaviour to change.",
    };

    [LoggerMessage(3111, LogLevel.Information, "Task {Task} starts with the engine {Engine}, attempt {Attempt}")]
    private partial void LogStarted(string task, string engine, int attempt);

    [LoggerMessage(3112, LogLevel.Information, "Task {Task}: {Engine} changed {Files} files, {Added} lines added, {Removed} removed")]
    private partial void LogChanged(string task, string engine, int files, int added, int removed);

    [LoggerMessage(3113, LogLevel.Warning, "Task {Task}: {Engine} made no change: {Result}")]
    private partial void LogNotChanged(string task, string engine, EngineResult result);

    [LoggerMessage(3114, LogLevel.Warning, "Task {Task} stops at a file that could not be read or written")]
    private partial void LogDisk(Exception error, string task);
}
