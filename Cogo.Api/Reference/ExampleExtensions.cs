using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Cogo.Api.Reference;

/// <summary>Lays examples of the request and one response into the OpenAPI document.</summary>
internal static class ExampleExtensions
{
    public static RouteHandlerBuilder WithExamples(this RouteHandlerBuilder builder, string? request, int status, string response) =>
        builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            if (request is not null)
            {
                Lay(operation.RequestBody?.Content, request);
            }

            if (operation.Responses?.TryGetValue(status.ToString(CultureInfo.InvariantCulture), out var answer) == true)
            {
                Lay(answer.Content, response);
            }

            return Task.CompletedTask;
        });

    private static void Lay(IDictionary<string, OpenApiMediaType>? content, string example)
    {
        if (content?.TryGetValue("application/json", out var media) == true)
        {
            media.Example = JsonNode.Parse(example);
        }
    }
}
