using System.Text.Json.Nodes;
using Cogo.Api.Pipeline;
using Cogo.Core.Pipeline;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Cogo.Api.Reference;

/// <summary>What the OpenAPI document says beside what the endpoints say themselves.</summary>
internal static class ApiDescription
{
    private static readonly (string Name, string Description)[] Tags =
    [
        ("Pipeline", "A change to a repository, built and tested."),
        ("Metrics", "What happened, under one trace."),
        ("Artifacts", "What tasks left behind: diffs, logs, test reports and `report.json`."),
        ("Integration", "Whether the installation works."),
    ];

    public static void Describe(OpenApiOptions options) => options
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
            // Nullable in code, so that what is missing is answered with a sentence.
            if (context.JsonTypeInfo.Type == typeof(CodeBuildTestRequest) && context.JsonPropertyInfo is null)
            {
                schema.Required = new HashSet<string>(StringComparer.Ordinal) { "repo", "engine" };
            }
            else if (context.JsonPropertyInfo is { } property && property.DeclaringType == typeof(CodeBuildTestRequest) && property.PropertyType == typeof(string))
            {
                schema.Type = JsonSchemaType.String;
                if (property.Name == "engine")
                {
                    schema.Enum = [.. RequestRules.Engines.Select(engine => (JsonNode)engine)];
                }
            }

            return Task.CompletedTask;
        });
}
