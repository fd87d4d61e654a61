using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Cogo.Api.Pipeline;

/// <summary>What endpoints have in common that take a request as JSON. What answers they give when it cannot be taken is said for all endpoints at once.</summary>
internal static class SubmissionConventions
{
    /// <summary>Marks a POST in the OpenAPI document that stores and starts nothing, and so needs no Idempotency-Key.</summary>
    public const string SafeExtension = "x-changes-nothing";

    /// <summary>Takes the body as JSON, up to the limit of all bodies.</summary>
    public static RouteHandlerBuilder TakesSubmission<TRequest>(this RouteHandlerBuilder endpoint)
        where TRequest : notnull => endpoint.Accepts<TRequest>("application/json");

    /// <summary>Marks a POST with <see cref="SafeExtension"/>.</summary>
    public static RouteHandlerBuilder ChangesNothing(this RouteHandlerBuilder endpoint) => endpoint.AddOpenApiOperationTransformer((operation, _, _) =>
    {
        operation.AddExtension(SafeExtension, new JsonNodeExtension(JsonValue.Create(true)));
        return Task.CompletedTask;
    });
}
