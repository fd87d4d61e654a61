using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;

namespace Cogo.Api.Workflows;

/// <summary>A workflow to run.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record WorkflowExecuteRequest
{
    /// <summary>Name of a template, as <c>/api/workflows/templates</c> lists them.</summary>
    public string? Template { get; init; }

    /// <summary>An absolute path as the workers see it, or a git URL (https, ssh, file, or user@host:path) without a password. A folder inside a repository means that part of it.</summary>
    public string? Repo { get; init; }

    /// <summary>Commit, branch or tag to work on. Default: HEAD.</summary>
    public string? Base { get; init; }

    /// <summary><c>patch</c>, <c>command</c>, <c>openai</c> or <c>cogo-worker</c>; for templates that make a change.</summary>
    public string? Engine { get; init; }

    /// <summary>For engine <c>patch</c>: the unified diff.</summary>
    public string? Patch { get; init; }

    /// <summary>For engine <c>command</c>: the command line, run by the shell in a working copy. On a repair it finds the failures in COGO_TASK, and the repair's number in COGO_REPAIR.</summary>
    public string? Command { get; init; }

    /// <summary>For engines <c>openai</c>, <c>cogo-worker</c> and <c>command</c>: what to do, in words.</summary>
    public string? Task { get; init; }

    /// <summary>Names the folder of artifacts: 1 to 90 of A-Z a-z 0-9 . _ - that start with a letter or a digit. Later attempts get -2, -3, … appended. Default: the run's id.</summary>
    public string? TaskId { get; init; }

    /// <summary>Go on although the local repository has changes that are not committed; they are not part of the work. Default: false.</summary>
    public bool AllowDirty { get; init; }

    /// <summary>How often a red report may be mended: 0 to 20. A patch cannot be mended. Default: 2.</summary>
    public int? MaxRepairs { get; init; }

    /// <summary>Whose run it is, up to 200 characters.</summary>
    public string? Tenant { get; init; }
}

/// <summary>The run is in the database and its first step on the bus: it goes on whatever happens to this server.</summary>
/// <param name="RunId">Names the run.</param>
/// <param name="TraceId">Everything that happens to the run is under this trace: 32 hex digits.</param>
/// <param name="TaskId">Folder of the first attempt's artifacts.</param>
/// <param name="Duplicate">The Idempotency-Key was seen before: this is the earlier request's run, and nothing new was started.</param>
/// <param name="Links">Where to look next.</param>
public sealed record WorkflowAccepted(string RunId, string TraceId, string TaskId, RunStatus Status, bool Duplicate, WorkflowLinks Links);

/// <summary>Paths on this server.</summary>
/// <param name="Run">The run as it stands.</param>
/// <param name="Events">Its events as they happen, as server-sent events.</param>
/// <param name="Trace">The whole timeline.</param>
/// <param name="Gate">What its gate says.</param>
public sealed record WorkflowLinks(string Run, string Events, string Trace, string Gate)
{
    internal static WorkflowLinks Of(WorkflowRun run) => new(
        $"/api/workflows/{run.RunId}", $"/api/workflows/{run.RunId}/events", $"/api/metrics/trace/{run.TraceId}", $"/api/workflows/gate?run_id={run.RunId}");
}

/// <summary>A run as it stands.</summary>
/// <param name="Code">A short word for programs when it has not passed.</param>
/// <param name="Reason">Why it has not passed, and what to do.</param>
/// <param name="Attempt">Counts repairs and retries from 1.</param>
/// <param name="RepairsLeft">How many repairs of <paramref name="MaxRepairs"/> have not been used.</param>
/// <param name="Task">Absent in a list.</param>
/// <param name="Steps">All steps that were begun, in that order; absent in a list.</param>
public sealed record WorkflowView(
    string RunId, string Template, RunStatus Status, string? Code, string? Reason, string TraceId, string TaskId, string? Tenant, string? Repo,
    string? Base, string? Engine, string? Task, int Attempt, int MaxRepairs, int RepairsLeft, GateAnswer? Gate, DateTimeOffset CreatedAt,
    DateTimeOffset? EndedAt, IReadOnlyList<WorkflowStepView>? Steps, WorkflowLinks Links)
{
    internal static WorkflowView Of(WorkflowRun run, bool withSteps) => new(
        run.RunId, run.Template, run.Status, run.Code, run.Reason, run.TraceId, run.TaskId, run.Tenant, run.Request.Repo, run.Request.Base,
        run.Request.Engine, run.Request.Task, run.Attempt, run.MaxRepairs, run.RepairsLeft, run.Gate, run.CreatedAt, run.EndedAt,
        withSteps ? [.. run.Steps.Select(WorkflowStepView.Of)] : null, WorkflowLinks.Of(run));
}

/// <summary>One step of a run.</summary>
/// <param name="Step">Its number within the run.</param>
/// <param name="Repair">Number of the repair that its attempt is; absent: none.</param>
/// <param name="Route">Whose work it is.</param>
/// <param name="TaskId">Folder of its artifacts.</param>
/// <param name="MessageId">The message for orchestrator/execute/0 that began it.</param>
/// <param name="Verdict">Of a build-test step: passed or failed. Of a step that failed: whose fault it is.</param>
/// <param name="Artifacts">Path of the list of its artifacts.</param>
public sealed record WorkflowStepView(
    int Step, string Name, int Attempt, int? Repair, StepStatus Status, string Route, string TaskId, long? MessageId, Verdict? Verdict, string? Code,
    string? Reason, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string Artifacts)
{
    internal static WorkflowStepView Of(WorkflowStep step) => new(
        step.Step, step.Name, step.Attempt, step.Repair, step.Status, step.Route, step.TaskId, step.MessageId, step.Verdict, step.Code, step.Reason,
        step.StartedAt, step.EndedAt, $"/api/artifacts/index?task_id={Uri.EscapeDataString(step.TaskId)}");
}

/// <summary>A page of runs.</summary>
/// <param name="Runs">Newest first, without their steps and tasks.</param>
/// <param name="NextCursor">Asks for the next page; absent on the last one.</param>
public sealed record WorkflowListing(IReadOnlyList<WorkflowView> Runs, string? NextCursor);

/// <summary>The templates of workflows.</summary>
public sealed record WorkflowTemplates([property: MaxLength(16)] IReadOnlyList<WorkflowTemplateView> Templates);

/// <summary>A template.</summary>
/// <param name="Available">It can be run here and now.</param>
/// <param name="Problem">Why not, and what to do.</param>
/// <param name="Steps">In their order.</param>
/// <param name="Repairs">A red report is given back to codegen, as often as a run allows.</param>
public sealed record WorkflowTemplateView(string Name, string Summary, bool Available, string? Problem, IReadOnlyList<WorkflowTemplateStep> Steps, bool Repairs);

/// <summary>A step of a template.</summary>
/// <param name="Workers">How many workers read its route; with none it waits on the bus.</param>
public sealed record WorkflowTemplateStep(string Name, string Does, string Route, int Workers);

/// <summary>A gate's answer about a run.</summary>
/// <param name="Verdict">pass, fail, or unknown when there is nothing to go by, which is not a pass.</param>
/// <param name="Rules">Each with what was expected, what is, and why.</param>
public sealed record WorkflowGateAnswer(string RunId, RunStatus Status, GateVerdict Verdict, string? Reason, IReadOnlyList<GateRule> Rules);
