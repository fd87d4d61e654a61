using System.Text.Json;
using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Database;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Npgsql;

namespace Cogo.Core.Workflows;

/// <summary>
/// Changes to one run within one transaction: its row, its steps, their messages and the audit of it all happen together
/// or not at all. The run's row is locked first, so changes of one run come one after the other.
/// </summary>
/// <param name="delivery">The message that is being ended; null for a request.</param>
internal sealed class WorkflowTransaction(NpgsqlTransaction transaction, Publisher publisher, WorkflowOptions options, string worker, Delivery? delivery)
{
    private const int ReplyAttempts = 100;

    private static readonly string InsertRun = SqlQuery.Load("insert_workflow_run");
    private static readonly string LockRun = SqlQuery.Load("lock_workflow_run");
    private static readonly string ReadSteps = SqlQuery.Load("read_workflow_steps");
    private static readonly string InsertStep = SqlQuery.Load("insert_workflow_step");
    private static readonly string EndStepQuery = SqlQuery.Load("end_workflow_step");
    private static readonly string EndRunQuery = SqlQuery.Load("end_workflow_run");
    private static readonly string ReopenRun = SqlQuery.Load("reopen_workflow_run");
    private static readonly string RepairRun = SqlQuery.Load("repair_workflow_run");
    private static readonly string AppendEventQuery = SqlQuery.Load("append_workflow_event");
    private static readonly string ClaimKeyQuery = SqlQuery.Load("claim_workflow_key");
    private static readonly string DeadStep = SqlQuery.Load("dead_workflow_step");

    public async Task InsertAsync(WorkflowRun run, CancellationToken cancellationToken)
    {
        await using var insert = Command(InsertRun).With(run.RunId).With(run.Template).With(run.Tenant).With(run.TraceId).With(run.TaskId)
            .With(JsonSerializer.Serialize(run.Request, CogoJson.Options)).With(run.MaxRepairs);
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Whose the key is, whether it came with the same request, and whether for the first time.</summary>
    public async Task<(string RunId, bool Same, bool Fresh)> ClaimKeyAsync(string key, string fingerprint, string runId, CancellationToken cancellationToken)
    {
        await using var claim = Command(ClaimKeyQuery).With(key).With(fingerprint).With(runId);
        await using var reader = await claim.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(2));
    }

    /// <summary>The run with its steps, its row locked; null when there is none.</summary>
    public async Task<WorkflowRun?> LockAsync(string runId, CancellationToken cancellationToken)
    {
        WorkflowRun run;
        await using (var read = Command(LockRun).With(runId))
        await using (var reader = await read.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return null;
            }

            run = WorkflowRows.Run(reader);
        }

        var steps = new List<WorkflowStep>();
        await using var readSteps = Command(ReadSteps).With(runId);
        await using var stepReader = await readSteps.ExecuteReaderAsync(cancellationToken);
        while (await stepReader.ReadAsync(cancellationToken))
        {
            steps.Add(WorkflowRows.Step(stepReader));
        }

        return run with { Steps = steps };
    }

    /// <summary>Puts the next step on the bus, and a reminder to look after it.</summary>
    public async Task<WorkflowRun> BeginAsync(WorkflowRun run, StepKind kind, bool repair, CancellationToken cancellationToken)
    {
        var number = run.Steps.Count == 0 ? 1 : run.Steps[^1].Step + 1;
        var request = repair ? StepRequest.Repair(run, run.Attempt + 1, number) : StepRequest.Of(run, kind, run.Attempt, number);
        var repairs = repair ? request.Repair!.Number : kind == StepKind.BuildTest ? run.Steps.LastOrDefault(step => step.Attempt == run.Attempt)?.Repair : null;
        if (repair)
        {
            run = run with { Attempt = run.Attempt + 1, RepairsLeft = run.RepairsLeft - 1 };
            await using var count = Command(RepairRun).With(run.RunId).With(run.Attempt);
            await count.ExecuteNonQueryAsync(cancellationToken);
            await AppendAsync(run, EventTypes.WorkflowRepair, new { task_id = request.TaskId, run.Attempt, repair = repairs, left = run.RepairsLeft, report = request.Repair!.Report }, cancellationToken);
        }

        var token = request.Reply!.Token;
        await RingAsync(cancellationToken);
        var receipts = await publisher.PublishAsync(
            transaction,
            [
                OutgoingMessage.Of(Route.Execute, request) with { TraceId = run.TraceId, Tenant = run.Tenant },
                Reminder(run, token),
            ],
            cancellationToken);
        var step = new WorkflowStep
        {
            Step = number,
            Name = kind.Name,
            Attempt = run.Attempt,
            Repair = repairs,
            Route = kind.Route.ToString(),
            TaskId = request.TaskId!,
            Status = StepStatus.Running,
            MessageId = receipts[0].MessageId,
            StartedAt = default,
        };
        await using (var insert = Command(InsertStep).With(run.RunId).With(step.Step).With(step.Name).With(step.Attempt).With(step.Repair).With(step.Route).With(step.TaskId).With(step.MessageId))
        {
            await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        await AppendAsync(
            run, EventTypes.WorkflowStepStarted,
            new { task_id = step.TaskId, step = step.Step, name = step.Name, attempt = step.Attempt, repair = step.Repair, route = step.Route, step_message = step.MessageId }, cancellationToken);
        return run with { Steps = [.. run.Steps, step] };
    }

    /// <summary>Looks after a step once more, later.</summary>
    public Task RemindAsync(WorkflowRun run, string token, CancellationToken cancellationToken) =>
        publisher.PublishAsync(transaction, [Reminder(run, token)], cancellationToken);

    public async Task<WorkflowRun> EndStepAsync(WorkflowRun run, WorkflowStep ended, CancellationToken cancellationToken)
    {
        await using var end = Command(EndStepQuery).With(run.RunId).With(ended.Step).With(WorkflowRows.Word(ended.Status))
            .With(ended.Verdict is { } verdict ? WorkflowRows.Word(verdict) : null).With(ended.Code).With(ended.Reason).With(ended.Result?.GetRawText());
        await end.ExecuteNonQueryAsync(cancellationToken);
        return run with { Steps = [.. run.Steps.Select(step => step.Step == ended.Step ? ended : step)] };
    }

    public async Task EndAsync(WorkflowRun run, RunStatus status, string? code, string? reason, GateAnswer? gate, CancellationToken cancellationToken)
    {
        await using var end = Command(EndRunQuery).With(run.RunId).With(WorkflowRows.Word(status)).With(code).With(reason)
            .With(gate is null ? null : JsonSerializer.Serialize(gate, CogoJson.Options));
        await end.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<WorkflowRun> ReopenAsync(WorkflowRun run, CancellationToken cancellationToken)
    {
        var again = run with { Status = RunStatus.Running, Attempt = run.Attempt + 1, RepairsLeft = run.MaxRepairs, Code = null, Reason = null, Gate = null, EndedAt = null };
        await using var reopen = Command(ReopenRun).With(run.RunId).With(again.Attempt);
        await reopen.ExecuteNonQueryAsync(cancellationToken);
        return again;
    }

    /// <summary>How a step ended whose reply got lost among the dead letters; null when it is not there.</summary>
    public async Task<WorkflowMessage?> FindDeadAsync(WorkflowRun run, string token, CancellationToken cancellationToken)
    {
        await using var find = Command(DeadStep).With(run.TraceId).With(token);
        await using var reader = await find.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        return reader.GetBoolean(0) && WorkflowMessage.TryRead(reader.GetString(1), out _) is { Outcome: not null } reply
            ? reply
            : new WorkflowMessage
            {
                Token = token,
                Outcome = WorkflowMessage.Failed,
                Code = reader.GetString(2),
                Reason = reader.GetString(3),
                MessageId = reader.GetInt64(4),
                Verdict = Verdict.Infrastructure,
            };
    }

    public async Task AppendAsync(WorkflowRun run, string type, object data, CancellationToken cancellationToken)
    {
        await using var append = Command(AppendEventQuery).With(run.RunId).With(type).With(JsonSerializer.Serialize(data, CogoJson.Options).Replace("\\u0000", " ", StringComparison.Ordinal))
            .With(delivery?.MessageId).With(delivery?.Attempt).With(worker);
        await append.ExecuteNonQueryAsync(cancellationToken);
    }

    private OutgoingMessage Reminder(WorkflowRun run, string token) => OutgoingMessage.Of(Route.Workflow, new WorkflowMessage { Token = token }) with
    {
        TraceId = run.TraceId,
        Tenant = run.Tenant,
        Delay = options.CheckInterval,
        MaxAttempts = ReplyAttempts,
    };

    /// <summary>Lets the database wake the dispatcher at commit: whoever ends a message has silenced the trigger.</summary>
    private async Task RingAsync(CancellationToken cancellationToken)
    {
        await using var ring = Command("select set_config('cogo.bell', 'on', true)");
        await ring.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Command(string sql) => new(sql, transaction.Connection, transaction);
}
