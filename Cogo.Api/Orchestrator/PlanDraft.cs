using System.Text;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;

namespace Cogo.Api.Orchestrator;

/// <summary>A plan before it is an answer: by the templates, or by a model.</summary>
internal sealed record PlanDraft(WorkflowTemplate Template, string Reason, string Task, int? MaxRepairs, IReadOnlyList<string> StepReasons)
{
    /// <summary>The plan that the templates give: the fullest one that can be run here.</summary>
    /// <param name="canIndex">Somebody reads the route of indexing.</param>
    public static PlanDraft ByTemplate(PlanRequest request, string engine, bool canIndex)
    {
        // What a command or a patch does with the repository is its own affair; a model is helped by the index.
        var reads = engine is RequestRules.OpenAiEngine or RequestRules.CogoWorkerEngine;
        var template = reads && canIndex ? WorkflowTemplate.IndexAndCodeBuildTest : WorkflowTemplate.CodeBuildTest;
        var reason = template == WorkflowTemplate.IndexAndCodeBuildTest
            ? $"The {engine} engine draws its context from the index, and a worker for it is there."
            : reads ? "The change is made and proved by the repository's own tests; no worker for indexing is there." : $"The {engine} engine needs no index: the change is made and proved by the repository's own tests.";
        return new PlanDraft(template, reason, TaskOf(request), null, [.. template.Steps.Select(step => ReasonOf(step, request, engine))]);
    }

    /// <summary>What was asked for and when it is done, as one text.</summary>
    public static string TaskOf(PlanRequest request)
    {
        var text = new StringBuilder(request.Task!.Trim());
        if (request.Acceptance is { Count: > 0 } acceptance)
        {
            text.Append("\n\nIt is done when:");
            foreach (var item in acceptance)
            {
                text.Append("\n- ").Append(item.Trim());
            }
        }

        return text.ToString();
    }

    private static string ReasonOf(StepKind step, PlanRequest request, string engine)
    {
        if (step == StepKind.Indexing)
        {
            return "So that codegen is shown the files and symbols that the task is about, instead of looking for them.";
        }

        if (step == StepKind.Codegen)
        {
            return engine == RequestRules.PatchEngine
                ? "The change is given as a patch: it is applied to the base, which shows whether it still fits."
                : $"The {engine} engine makes the change on a copy of {request.Base ?? "HEAD"}; the repository itself is not touched.";
        }

        var proof = request.Acceptance is { Count: > 0 } ? "What was accepted is checked by tests, so" : "Only the repository's own tests say whether it works, so";
        return WorkflowTemplate.CanRepair(engine)
            ? $"{proof} they are run on a fresh copy; what is red goes back to codegen, {WorkflowStart.DefaultRepairs} times at most."
            : $"{proof} they are run on a fresh copy; a patch cannot be mended, so red is the end.";
    }
}
