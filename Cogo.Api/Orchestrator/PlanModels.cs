using System.Text.Json.Serialization;
using Cogo.Api.Workflows;

namespace Cogo.Api.Orchestrator;

/// <summary>What is wanted.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PlanRequest
{
    /// <summary>An absolute path as the workers see it, or a git URL without a password.</summary>
    public string? Repo { get; init; }

    /// <summary>What is to be done, in words.</summary>
    public string? Task { get; init; }

    /// <summary>When it is done, in words; each becomes part of the task.</summary>
    public IReadOnlyList<string>? Acceptance { get; init; }

    /// <summary>Commit, branch or tag to work on. Default: HEAD.</summary>
    public string? Base { get; init; }

    /// <summary>What makes the change: <c>command</c> with <c>command</c>, <c>patch</c> with <c>patch</c>, <c>openai</c> or <c>cogo-worker</c>. Default: what the other fields say, else openai.</summary>
    public string? Engine { get; init; }

    /// <summary>For engine <c>command</c>: the command line.</summary>
    public string? Command { get; init; }

    /// <summary>For engine <c>patch</c>: the unified diff.</summary>
    public string? Patch { get; init; }

    /// <summary>Who plans: <c>auto</c> asks the model where one is configured, <c>template</c> asks none. Default: auto.</summary>
    public string? Planner { get; init; }
}

/// <summary>A plan. Nothing has been started: POST <c>Execute.Body</c> to <c>Execute.Path</c> to do it.</summary>
/// <param name="Planner"><c>model</c> or <c>template</c>.</param>
/// <param name="Fallback">Why it is not the model's plan although one was asked.</param>
/// <param name="Template">The workflow that it is.</param>
/// <param name="Reason">Why this one.</param>
public sealed record PlanAnswer(string Planner, string? Model, string? Fallback, string Template, string Reason, IReadOnlyList<PlanStep> Steps, PlanExecution Execute);

/// <summary>A step of a plan.</summary>
/// <param name="Step">Its place, from 1.</param>
/// <param name="Route">Whose work it is.</param>
/// <param name="Reason">Why it is there.</param>
public sealed record PlanStep(int Step, string Name, string Route, string Reason);

/// <summary>The request that does what the plan says.</summary>
public sealed record PlanExecution(string Method, string Path, WorkflowExecuteRequest Body);
