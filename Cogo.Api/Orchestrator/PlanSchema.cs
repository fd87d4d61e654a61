using Cogo.Core.Workflows;
using NJsonSchema;
using NJsonSchema.Validation;

namespace Cogo.Api.Orchestrator;

/// <summary>Holds a model's plan against <c>configs/plan.schema.json</c>.</summary>
internal static class PlanSchema
{
    private const int MostProblems = 3;

    private static readonly Lazy<Task<JsonSchema>> Schema = new(() => JsonSchema.FromJsonAsync(Text));

    /// <summary>The schema as it stands in the repository.</summary>
    public static string Text { get; } = Read();

    /// <summary>What is wrong with a plan, in a sentence; null: it holds.</summary>
    public static async Task<string?> ProblemAsync(string json)
    {
        var problems = (await Schema.Value).Validate(json);
        return problems.Count == 0 ? null : $"The model's plan breaks the schema: {string.Join("; ", problems.Take(MostProblems).Select(Describe))}.";
    }

    /// <summary>What the schema cannot say: the steps are the template's, which can be run here.</summary>
    public static string? Problem(WorkflowTemplate template, IReadOnlyList<string> steps, bool canIndex) =>
        !steps.SequenceEqual(template.Steps.Select(step => step.Name), StringComparer.Ordinal)
            ? $"The model's plan has the steps {string.Join(", ", steps)}, and {template.Name} has {string.Join(", ", template.Steps.Select(step => step.Name))}."
            : !canIndex && template.Steps.Any(step => step.IsOptional) ? $"The model planned {template.Name}, which no worker here can run." : null;

    private static string Describe(ValidationError error) => $"{error.Kind} at {(string.IsNullOrEmpty(error.Path) ? "#" : error.Path)}";

    private static string Read()
    {
        using var stream = typeof(PlanSchema).Assembly.GetManifestResourceStream("plan.schema.json")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
