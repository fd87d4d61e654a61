using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Cogo.Api.Reference;

/// <summary>Describes parameters of the path, the query and the header in the OpenAPI document.</summary>
internal static class ParameterExtensions
{
    /// <param name="name">As it is sent.</param>
    /// <param name="schema">What it may be. Default: any text.</param>
    /// <param name="example">A value that can be sent.</param>
    public static RouteHandlerBuilder WithParameter(this RouteHandlerBuilder builder, string name, string description, OpenApiSchema? schema = null, string? example = null) =>
        builder.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            var parameter = operation.Parameters?.OfType<OpenApiParameter>().FirstOrDefault(parameter => parameter.Name == name)
                ?? throw new InvalidOperationException($"{operation.OperationId} has no parameter {name} to describe.");
            parameter.Description = description;
            parameter.Schema = schema ?? parameter.Schema;
            if (example is not null)
            {
                parameter.Example = JsonValue.Create(example);
            }

            return Task.CompletedTask;
        });

    /// <summary>A parameter without which there is no answer.</summary>
    public static RouteHandlerBuilder WithRequiredParameter(this RouteHandlerBuilder builder, string name, string description, string example) => builder
        .WithParameter(name, description, example: example)
        .AddOpenApiOperationTransformer((operation, _, _) =>
        {
            operation.Parameters!.OfType<OpenApiParameter>().Single(parameter => parameter.Name == name).Required = true;
            return Task.CompletedTask;
        });

    /// <summary>Some words and no others.</summary>
    public static OpenApiSchema OneOf(params IEnumerable<string> words) => new() { Type = JsonSchemaType.String, Enum = [.. words.Select(word => (JsonNode)word)] };

    /// <summary>A whole number.</summary>
    public static OpenApiSchema WholeNumber(long from) => new() { Type = JsonSchemaType.Integer, Format = "int64", Minimum = $"{from}" };
}
