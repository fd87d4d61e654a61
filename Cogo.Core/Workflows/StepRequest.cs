using Cogo.Core.Bus;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Workflows;

/// <summary>The message that begins a step, as the dispatcher gets it.</summary>
internal static class StepRequest
{
    /// <param name="step">Its number; the reply names it.</param>
    public static PipelineRequest Of(WorkflowRun run, StepKind kind, int attempt, int step)
    {
        var request = run.Request with
        {
            Target = kind.Route.ToString(),
            Next = null,
            TaskId = run.TaskOf(attempt),
            Reply = new ReplyAddress(Route.Workflow.ToString(), new StepToken(run.RunId, step).ToString()),
        };
        if (kind == StepKind.Indexing)
        {
            return request with { Engine = null, Patch = null, Command = null, Task = null };
        }

        if (kind == StepKind.BuildTest)
        {
            // The stored diff stands for what codegen was given.
            var made = LastChange(run);
            return request with { Patch = null, Command = null, Base = made?.BaseCommit, Change = made };
        }

        return request;
    }

    /// <summary>Codegen goes on from the change that the last step found red.</summary>
    public static PipelineRequest Repair(WorkflowRun run, int attempt, int step)
    {
        var made = LastChange(run);
        return Of(run, StepKind.Codegen, attempt, step) with
        {
            Base = made?.BaseCommit,
            Change = made,
            Repair = new RepairOrder(run.MaxRepairs - run.RepairsLeft + 1, run.Steps[^1].Text("report")!),
        };
    }

    public static ChangeReference? LastChange(WorkflowRun run) =>
        run.Steps.LastOrDefault(step => step is { Name: "codegen", Status: StepStatus.Done })?.Change();
}
