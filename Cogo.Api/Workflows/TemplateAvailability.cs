using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;

namespace Cogo.Api.Workflows;

/// <summary>Which templates can be run, as the workers that live just now have it.</summary>
internal sealed class TemplateAvailability(SystemStatus system)
{
    /// <summary>All templates, with the number of workers for each step.</summary>
    public async Task<IReadOnlyList<WorkflowTemplateView>> ListAsync(CancellationToken cancellationToken)
    {
        var workers = await CountAsync(cancellationToken);
        return [.. WorkflowTemplate.All.Select(template => View(template, workers))];
    }

    /// <summary>Why a template cannot be run, in a sentence; null: it can.</summary>
    public async Task<string?> ProblemAsync(WorkflowTemplate template, CancellationToken cancellationToken) => template.Steps.Any(step => step.IsOptional)
        ? Problem(template, await CountAsync(cancellationToken))
        : null;

    /// <summary>How many live workers read the route of a step, on any shard.</summary>
    public async Task<Func<Route, int>> CountAsync(CancellationToken cancellationToken)
    {
        var read = (await system.ReadAsync(cancellationToken)).Workers
            .SelectMany(worker => worker.Routes.Distinct(StringComparer.Ordinal))
            .Select(text => Route.TryParse(text, out var route) ? route : default)
            .ToList();
        return route => read.Count(known => known != default && RequestRules.IsSame(known, route));
    }

    private static WorkflowTemplateView View(WorkflowTemplate template, Func<Route, int> workers)
    {
        var problem = Problem(template, workers);
        return new WorkflowTemplateView(
            template.Name, template.Summary, problem is null, problem,
            [.. template.Steps.Select(step => new WorkflowTemplateStep(step.Name, step.Does, step.Route.ToString(), workers(step.Route)))],
            template.MakesChange);
    }

    private static string? Problem(WorkflowTemplate template, Func<Route, int> workers) =>
        template.Steps.FirstOrDefault(step => step.IsOptional && workers(step.Route) == 0) is { } missing
            ? $"No worker reads {missing.Route}, so the step {missing.Name} of {template.Name} would wait for ever. Start one (AGENT_SERVICE={missing.Route.Service} AGENT_ROLE={missing.Route.Role}), or run another template."
            : null;
}
