using System.Text.Json.Nodes;
using Cogo.Api.Admin;
using Cogo.Api.Indexing;
using Cogo.Api.Orchestrator;
using Cogo.Api.Pipeline;
using Cogo.Api.Problems;
using Cogo.Api.Workflows;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Cogo.Api.Reference;

/// <summary>What the OpenAPI document says beside what the endpoints say themselves.</summary>
internal static class ApiDescription
{
    private static readonly (string Name, string Description)[] Tags =
    [
        ("Pipeline", "A change to a repository, built and tested."),
        ("Workflows", "Durable runs of several steps, with repairs and a gate."),
        ("Orchestrator", "From an intent to a workflow, and what goes on."),
        ("Index", "Symbols, references and files of repositories."),
        ("Metrics", "What happened, under one trace and in figures."),
        ("Artifacts", "What tasks left behind: diffs, logs, test reports and `report.json`."),
        ("Admin", "What only the holder of the admin token may do: notifications and snapshots."),
        ("Integration", "Whether the installation works."),
    ];

    private static readonly Dictionary<Type, string[]> Required = new()
    {
        [typeof(CodeBuildTestRequest)] = ["repo", "engine"],
        [typeof(PipelineExecuteRequest)] = ["pipeline", "repo"],
        [typeof(WorkflowExecuteRequest)] = ["template", "repo"],
        [typeof(OrchestratorExecuteRequest)] = ["repo"],
        [typeof(IndexingRequest)] = ["repo"],
        [typeof(PlanRequest)] = ["repo", "task"],
        [typeof(NotifyRequest)] = ["subject", "text"],
        [typeof(GateNotifyRequest)] = ["gate"],
    };

    private const string ProblemExample = """
        {
          "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
          "title": "Bad Request",
          "status": 400,
          "detail": "limit is a whole number from 1 to 500.",
          "code": "invalid_request",
          "errors": { "limit": ["limit is a whole number from 1 to 500."] },
          "trace_id": "221c754dead58644dc273afd7288c4f3"
        }
        """;

    public static void Describe(OpenApiOptions options) => options
        .AddOperationTransformer(CommonAnswers.DeclareAsync)
        .AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Cogo";
            document.Info.Version = CogoApi.Version;
            document.Info.Description = "A control plane for software agents that runs on nothing but Postgres. Errors are problem details (RFC 9457): `code` is for programs, `detail` is a sentence that says what to do, `trace_id` finds the request in the logs.";
            document.Tags = new HashSet<OpenApiTag>(Tags.Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description }));
            return Task.CompletedTask;
        })
        .AddSchemaTransformer((schema, context, _) =>
        {
            if (context.JsonTypeInfo.Type == typeof(ProblemDetails) && context.JsonPropertyInfo is null)
            {
                DescribeProblem(schema);
            }

            // Nullable in code, so that what is missing is answered with a sentence.
            if (Required.TryGetValue(context.JsonTypeInfo.Type, out var required) && context.JsonPropertyInfo is null)
            {
                schema.Required = new HashSet<string>(required, StringComparer.Ordinal);
            }
            else if (context.JsonPropertyInfo is { } property && Required.ContainsKey(property.DeclaringType) && property.PropertyType == typeof(string))
            {
                schema.Type = JsonSchemaType.String;
                IReadOnlyList<string>? words = property.Name switch
                {
                    "engine" => RequestRules.Engines,
                    "gate" => [QualityGate.Q1, QualityGate.Acceptance],
                    "template" or "pipeline" => [.. WorkflowTemplate.All.Select(template => template.Name)],
                    _ => null,
                };
                if (words is not null)
                {
                    schema.Enum = [.. words.Select(word => (JsonNode)word)];
                }
            }

            return Task.CompletedTask;
        });

    private static void DescribeProblem(OpenApiSchema schema)
    {
        static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };
        schema.Description = "What went wrong (RFC 9457).";
        schema.Properties ??= new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal);
        schema.Properties[Problem.CodeKey] = Text("A short word for programs.");
        schema.Properties["detail"] = Text("A sentence that says what to do.");
        schema.Properties[Problem.TraceKey] = Text("Finds the request in the logs: 32 hex digits.");
        schema.Properties[Problem.ErrorsKey] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "What is wrong with the request, by field or parameter.",
            AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
        };
        schema.Required = new HashSet<string>(["status", "detail", Problem.CodeKey, Problem.TraceKey], StringComparer.Ordinal);
        schema.Examples = [JsonNode.Parse(ProblemExample)!];
    }
}
