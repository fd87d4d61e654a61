using Cogo.Core.Bus;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Workflows;

/// <summary>A kind of step: what is asked for, and of whom.</summary>
/// <param name="Name">As in the API, for example <c>codegen</c>.</param>
/// <param name="Route">Whose work it is; the dispatcher relays to it.</param>
/// <param name="Does">What it does, in a clause that starts a sentence.</param>
/// <param name="IsOptional">Not every installation has a worker for it: where none reads the route, it is refused rather than left to wait.</param>
public sealed record StepKind(string Name, Route Route, string Does, bool IsOptional = false)
{
    public static StepKind Indexing { get; } = new("indexing", Route.Indexing, "Indexes the repository's files, symbols and references", IsOptional: true);

    public static StepKind Codegen { get; } = new("codegen", Route.Codegen, "Makes the change on a fresh copy of the base and stores it as a diff");

    public static StepKind BuildTest { get; } = new("build-test", Route.BuildTest, "Applies the stored diff to a fresh copy, builds it and runs its tests");

    public static IReadOnlyList<StepKind> All { get; } = [Indexing, Codegen, BuildTest];

    /// <summary>Null: there is no such step.</summary>
    public static StepKind? Find(string? name) => All.FirstOrDefault(kind => kind.Name == name);
}

/// <summary>Steps in their order. A template with <c>build-test</c> ends with a gate, and mends what is red when it may.</summary>
public sealed record WorkflowTemplate(string Name, string Summary, IReadOnlyList<StepKind> Steps)
{
    public static WorkflowTemplate CodeBuildTest { get; } = new(
        "codeBuildTest", "Make a change, build it and test it; on a red report codegen gets the failures and tries again.", [StepKind.Codegen, StepKind.BuildTest]);

    public static WorkflowTemplate Indexing { get; } = new(
        "indexing", "Index a repository.", [StepKind.Indexing]);

    public static WorkflowTemplate IndexAndCodeBuildTest { get; } = new(
        "indexAndCodeBuildTest", "Index the repository, so that codegen draws its context from the index; then as codeBuildTest.", [StepKind.Indexing, StepKind.Codegen, StepKind.BuildTest]);

    public static IReadOnlyList<WorkflowTemplate> All { get; } = [CodeBuildTest, Indexing, IndexAndCodeBuildTest];

    /// <summary>Whether a change is made, and with it what a request must have.</summary>
    public bool MakesChange => Steps.Contains(StepKind.Codegen);

    /// <summary>Null: there is no such template.</summary>
    public static WorkflowTemplate? Find(string? name) => All.FirstOrDefault(template => template.Name == name);

    /// <summary>Whether an engine can do anything else when it is told what failed. A patch stays what it is.</summary>
    public static bool CanRepair(string? engine) => engine is RequestRules.CommandEngine or RequestRules.OpenAiEngine or RequestRules.CogoWorkerEngine;

    /// <summary>The step after this one; null when it is the last.</summary>
    public StepKind? After(StepKind kind)
    {
        for (var i = 0; i + 1 < Steps.Count; i++)
        {
            if (Steps[i] == kind)
            {
                return Steps[i + 1];
            }
        }

        return null;
    }
}
