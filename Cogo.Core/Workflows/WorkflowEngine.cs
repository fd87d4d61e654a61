using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Npgsql;

namespace Cogo.Core.Workflows;

/// <summary>A run to start.</summary>
/// <param name="Request">What is asked for; its routes and its reply are the engine's to set.</param>
/// <param name="MaxRepairs">Most repairs of a red report, 0 to 20.</param>
public sealed record WorkflowStart(WorkflowTemplate Template, PipelineRequest Request, int MaxRepairs, string? Tenant = null)
{
    public const int MostRepairs = 20;
    public const int DefaultRepairs = 2;
}

/// <summary>What came of a wish about a run.</summary>
public enum RunChange
{
    /// <summary>Done, or done before by a request with the same key.</summary>
    Done,

    /// <summary>There is no such run.</summary>
    NotFound,

    /// <summary>The run's state does not allow it; the reason says why.</summary>
    Refused,

    /// <summary>The idempotency key belongs to another request.</summary>
    KeyReused,
}

/// <param name="Duplicate">An earlier request with the same key did it.</param>
/// <param name="Reason">Why not, in a sentence.</param>
public sealed record RunAnswer(RunChange Change, WorkflowRun? Run = null, bool Duplicate = false, string? Reason = null);

/// <summary>
/// Starts, advances and ends runs. It keeps nothing in memory: a run is its rows, and goes on whenever a message of
/// <c>workflow/run/0</c> is handled, by whichever process. Each change is one transaction under the lock of the run's row;
/// a message that comes twice, or late, changes nothing.
/// </summary>
public sealed class WorkflowEngine(NpgsqlDataSource database, MessageBus bus, BusOptions busOptions, WorkflowOptions options, TimeProvider time)
{
    /// <summary>Inserts the run and publishes its first step in one transaction.</summary>
    public async Task<RunAnswer> StartAsync(WorkflowStart start, string? idempotencyKey, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(start);
        var runId = WorkflowIds.New(time.GetUtcNow());
        var run = new WorkflowRun
        {
            RunId = runId,
            Template = start.Template.Name,
            Tenant = start.Tenant,
            TraceId = TraceContext.Current(null, time).TraceId,
            TaskId = start.Request.TaskId ?? runId,
            Request = start.Request with { Target = null, Next = null, TaskId = null, Reply = null, Repair = null, Change = null },
            Status = RunStatus.Running,
            Attempt = 1,
            MaxRepairs = start.MaxRepairs,
            RepairsLeft = start.MaxRepairs,
            LastEvent = 0,
            CreatedAt = time.GetUtcNow(),
        };
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var change = Change(transaction, null);
        await change.InsertAsync(run, cancellationToken);
        if (idempotencyKey is not null
            && await change.ClaimKeyAsync($"execute:{idempotencyKey}", Fingerprint(start), runId, cancellationToken) is var (owner, same, _) && owner != runId)
        {
            await transaction.RollbackAsync(cancellationToken);
            return await KnownAsync(owner, same, cancellationToken);
        }

        await change.AppendAsync(
            run, EventTypes.WorkflowStarted,
            new
            {
                task_id = run.TaskId,
                template = run.Template,
                steps = start.Template.Steps.Select(step => step.Name),
                repo = run.Request.Repo,
                engine = run.Request.Engine,
                max_repairs = run.MaxRepairs,
            },
            cancellationToken);
        run = await change.BeginAsync(run, start.Template.Steps[0], repair: false, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new RunAnswer(RunChange.Done, run);
    }

    /// <summary>Ends a run that has not ended. The worker that is at it sees so within seconds; what it then brings counts for nothing.</summary>
    public async Task<RunAnswer> CancelAsync(string runId, string reason, string? idempotencyKey, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var change = Change(transaction, null);
        if (await change.LockAsync(runId, cancellationToken) is not { } run)
        {
            return new RunAnswer(RunChange.NotFound);
        }

        if (await KnownChangeAsync(change, run, "cancel", reason, idempotencyKey, cancellationToken) is { } known)
        {
            return known;
        }

        if (run.Status == RunStatus.Cancelled)
        {
            // For the key: sent again after a retry, the request must not end the run once more.
            await transaction.CommitAsync(cancellationToken);
            return new RunAnswer(RunChange.Done, run, Duplicate: true);
        }

        if (run.Status != RunStatus.Running)
        {
            return new RunAnswer(RunChange.Refused, run, Reason: $"Run {runId} has ended before: it is {WorkflowRows.Word(run.Status)}.");
        }

        foreach (var step in run.Steps.Where(step => step.Status == StepStatus.Running))
        {
            run = await change.EndStepAsync(run, step with { Status = StepStatus.Cancelled, Reason = reason }, cancellationToken);
        }

        await change.EndAsync(run, RunStatus.Cancelled, "cancelled", reason, RunGate.Of(run, Template(run), RunStatus.Cancelled), cancellationToken);
        // Of the verdicts that a trace can have: nothing is known about the change.
        await change.AppendAsync(run, EventTypes.WorkflowCancelled, new { task_id = run.TaskOf(run.Attempt), code = "cancelled", reason, verdict = Verdict.Infrastructure }, cancellationToken);
        run = await change.LockAsync(runId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new RunAnswer(RunChange.Done, run);
    }

    /// <summary>
    /// Lets a run that has not passed go on from a step, as a new attempt with its whole bound of repairs. What the steps
    /// before it made is used as it is.
    /// </summary>
    /// <param name="from">Name of a step of its template; null: the one it ended at.</param>
    public async Task<RunAnswer> RetryAsync(string runId, string? from, string? idempotencyKey, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var change = Change(transaction, null);
        if (await change.LockAsync(runId, cancellationToken) is not { } run)
        {
            return new RunAnswer(RunChange.NotFound);
        }

        if (await KnownChangeAsync(change, run, "retry", from ?? "", idempotencyKey, cancellationToken) is { } known)
        {
            return known;
        }

        var template = Template(run);
        var kind = StepKind.Find(from ?? run.Steps[^1].Name);
        if (Refusal(run, template, kind, from) is { } refusal)
        {
            return new RunAnswer(RunChange.Refused, run, Reason: refusal);
        }

        run = await change.ReopenAsync(run, cancellationToken);
        await change.AppendAsync(run, EventTypes.WorkflowRetried, new { task_id = run.TaskOf(run.Attempt), from = kind!.Name, attempt = run.Attempt }, cancellationToken);
        await change.BeginAsync(run, kind, repair: false, cancellationToken);
        run = await change.LockAsync(runId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new RunAnswer(RunChange.Done, run);
    }

    /// <summary>Takes in how a step ended, or looks after one, in the transaction that ends the message about it.</summary>
    public async Task HandleAsync(NpgsqlTransaction transaction, Delivery delivery, StepToken token, WorkflowMessage message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        var change = Change(transaction, delivery);
        if (await change.LockAsync(token.RunId, cancellationToken) is not { Status: RunStatus.Running } run
            || run.Steps.FirstOrDefault(step => step.Step == token.Step) is not { Status: StepStatus.Running } step)
        {
            // It ended before: this came twice, or late.
            return;
        }

        if (message.Outcome is null)
        {
            if (await change.FindDeadAsync(run, token.ToString(), cancellationToken) is not { } found)
            {
                await change.RemindAsync(run, token.ToString(), cancellationToken);
                return;
            }

            message = found;
        }

        var ended = Ended(step, message);
        run = await change.EndStepAsync(run, ended, cancellationToken);
        await AuditAsync(change, run, ended, cancellationToken);
        switch (RunDecision.After(Template(run), run, ended))
        {
            case RunDecision.Begin begin:
                await change.BeginAsync(run, begin.Kind, begin.Repair, cancellationToken);
                break;
            case RunDecision.End end:
                await EndAsync(change, run, end, cancellationToken);
                break;
        }
    }

    private static WorkflowStep Ended(WorkflowStep step, WorkflowMessage message)
    {
        var ended = step with { Result = message.Data, Code = message.Code, Reason = message.Reason, Verdict = message.Verdict };
        return message.Outcome == WorkflowMessage.Failed
            ? ended with { Status = StepStatus.Failed, Verdict = message.Verdict ?? Verdict.Infrastructure }
            : ended with
            {
                Status = StepStatus.Done,
                Verdict = Enum.TryParse<Verdict>(ended.Text("verdict"), ignoreCase: true, out var verdict) ? verdict : null,
                Code = ended.Text("failure_class"),
                Reason = ended.Text("message"),
            };
    }

    private static async Task AuditAsync(WorkflowTransaction change, WorkflowRun run, WorkflowStep ended, CancellationToken cancellationToken)
    {
        await change.AppendAsync(
            run, ended.Status == StepStatus.Done ? EventTypes.WorkflowStepDone : EventTypes.WorkflowStepFailed,
            new { task_id = ended.TaskId, step = ended.Step, name = ended.Name, attempt = ended.Attempt, verdict = ended.Verdict, code = ended.Code, reason = ended.Reason },
            cancellationToken);
        if (ended is { Status: StepStatus.Done, Name: "build-test", Repair: { } repair })
        {
            var made = run.Steps.LastOrDefault(step => step is { Name: "codegen", Status: StepStatus.Done } && step.Attempt == ended.Attempt);
            await change.AppendAsync(
                run, EventTypes.GateFix,
                new
                {
                    task_id = ended.TaskId,
                    repair,
                    attempt = ended.Attempt,
                    @fixed = ended.Verdict == Verdict.Passed,
                    verdict = ended.Verdict,
                    change = made?.Change()?.Path,
                    report = ended.Text("report"),
                    tests = ended.Result is { ValueKind: JsonValueKind.Object } result && result.TryGetProperty("tests", out var tests) ? tests : (JsonElement?)null,
                },
                cancellationToken);
        }
    }

    private static async Task EndAsync(WorkflowTransaction change, WorkflowRun run, RunDecision.End end, CancellationToken cancellationToken)
    {
        var template = Template(run);
        var gate = RunGate.Of(run, template, end.Status);
        await change.EndAsync(run, end.Status, end.Code, end.Reason, gate, cancellationToken);
        var last = run.Steps[^1];
        if (gate is { Verdict: not GateVerdict.Unknown })
        {
            await change.AppendAsync(
                run, gate.Verdict == GateVerdict.Pass ? EventTypes.GatePassed : EventTypes.GateFailed,
                new { task_id = last.TaskId, gate = RunGate.Name, verdict = end.Status, attempt = run.Attempt, rules = gate.Rules, report = last.Text("report") }, cancellationToken);
        }

        await change.AppendAsync(
            run, end.Status == RunStatus.Passed ? EventTypes.WorkflowDone : EventTypes.WorkflowFailed,
            new
            {
                task_id = last.TaskId,
                verdict = end.Status,
                code = end.Code,
                reason = end.Reason,
                attempts = run.Attempt,
                repairs = run.MaxRepairs - run.RepairsLeft,
                report = last.Text("report"),
            },
            cancellationToken);
    }

    private static string? Refusal(WorkflowRun run, WorkflowTemplate template, StepKind? kind, string? from)
    {
        if (kind is null || !template.Steps.Contains(kind))
        {
            return $"{template.Name} has no step '{from}': use one of {string.Join(", ", template.Steps.Select(step => step.Name))}.";
        }

        return run.Status switch
        {
            RunStatus.Running => $"Run {run.RunId} has not ended: cancel it first, or wait.",
            RunStatus.Passed => $"Run {run.RunId} has passed: start a new one instead.",
            _ when kind == StepKind.BuildTest && StepRequest.LastChange(run) is null => "No codegen step of this run has stored a change to test: retry from codegen.",
            _ => null,
        };
    }

    /// <summary>What a change of the run is answered with whose key came before; null: it is new, and its key is taken if the transaction commits.</summary>
    private static async Task<RunAnswer?> KnownChangeAsync(
        WorkflowTransaction change, WorkflowRun run, string verb, string fingerprint, string? idempotencyKey, CancellationToken cancellationToken) =>
        idempotencyKey is null ? null
        : await change.ClaimKeyAsync($"{verb}:{run.RunId}:{idempotencyKey}", fingerprint, run.RunId, cancellationToken) switch
        {
            (_, _, true) => null,
            (_, true, _) => new RunAnswer(RunChange.Done, run, Duplicate: true),
            _ => new RunAnswer(RunChange.KeyReused, Reason: KeyReused(run.RunId)),
        };

    private async Task<RunAnswer> KnownAsync(string runId, bool same, CancellationToken cancellationToken) => same
        ? new RunAnswer(RunChange.Done, await new WorkflowReader(database).FindAsync(runId, cancellationToken), Duplicate: true)
        : new RunAnswer(RunChange.KeyReused, Reason: KeyReused(runId));

    private WorkflowTransaction Change(NpgsqlTransaction transaction, Delivery? delivery) =>
        new(transaction, bus.Publisher, options, busOptions.WorkerId, delivery);

    private static string KeyReused(string runId) => $"The Idempotency-Key belongs to another request about run {runId}. Use a new key for a new request.";

    private static WorkflowTemplate Template(WorkflowRun run) => WorkflowTemplate.Find(run.Template)
        ?? throw new InvalidOperationException($"Run {run.RunId} is of template {run.Template}, which this version of Cogo does not have.");

    private static string Fingerprint(WorkflowStart start) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        JsonSerializer.Serialize(new { template = start.Template.Name, start.Request, start.MaxRepairs, start.Tenant }, CogoJson.Options))));
}
