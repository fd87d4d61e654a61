using Cogo.Core.Pipeline;

namespace Cogo.Core.Workflows;

/// <summary>What follows the end of a step. Reads nothing and writes nothing.</summary>
internal abstract record RunDecision
{
    private RunDecision()
    {
    }

    /// <summary>The next step begins.</summary>
    /// <param name="Repair">It is to mend a red report, and a new attempt.</param>
    public sealed record Begin(StepKind Kind, bool Repair = false) : RunDecision;

    /// <summary>The run ends.</summary>
    public sealed record End(RunStatus Status, string? Code = null, string? Reason = null) : RunDecision;

    public static RunDecision After(WorkflowTemplate template, WorkflowRun run, WorkflowStep ended)
    {
        if (StepKind.Find(ended.Name) is not { } kind)
        {
            return new End(RunStatus.Infrastructure, "unknown_step", $"This version of Cogo has no step {ended.Name}: run the version that the run was started with.");
        }

        if (ended.Status == StepStatus.Failed)
        {
            return new End(Of(ended.Verdict), ended.Code, ended.Reason);
        }

        if (kind == StepKind.Codegen && ended.Change() is null)
        {
            return new End(RunStatus.Infrastructure, "change_missing", "The codegen step ended without naming the diff it stored: its worker is of another version.");
        }

        if (kind == StepKind.BuildTest && ended.Verdict != Verdict.Passed)
        {
            return ended.Verdict != Verdict.Failed || ended.Text("report") is null
                ? new End(RunStatus.Infrastructure, "report_missing", "The build-test step ended without a verdict and a report: its worker is of another version.")
                : run.RepairsLeft > 0 && WorkflowTemplate.CanRepair(run.Request.Engine)
                    ? new Begin(StepKind.Codegen, Repair: true)
                    : new End(RunStatus.Failed, ended.Text("failure_class"), Red(run, ended));
        }

        return template.After(kind) is { } next ? new Begin(next) : new End(RunStatus.Passed);
    }

    private static string Red(WorkflowRun run, WorkflowStep ended)
    {
        var message = ended.Text("message") ?? "The change does not pass.";
        var repairs = run.MaxRepairs - run.RepairsLeft;
        return repairs > 0 ? $"{message} {(repairs == 1 ? "One repair was" : $"{repairs} repairs were")} tried." : message;
    }

    private static RunStatus Of(Verdict? verdict) => verdict switch
    {
        Verdict.Failed => RunStatus.Failed,
        Verdict.Invalid => RunStatus.Invalid,
        _ => RunStatus.Infrastructure,
    };
}
