using System.Globalization;
using Cogo.Api.Problems;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.OpenApi;

namespace Cogo.Api.Reference;

/// <summary>Errors that come before an endpoint is reached, or from under all of them: declared for every operation here, so that no endpoint has to.</summary>
internal static class CommonAnswers
{
    public static Task DeclareAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var hasBody = operation.RequestBody is not null;
        Declare(StatusCodes.Status503ServiceUnavailable, "The database does not answer or is not migrated. Nothing was stored: try again.");
        if (!context.Description.ActionDescriptor.EndpointMetadata.OfType<DisableRateLimitingAttribute>().Any())
        {
            Declare(StatusCodes.Status429TooManyRequests, "This client asks too much: wait as many seconds as Retry-After says.");
        }

        if (hasBody || operation.Parameters is { Count: > 0 })
        {
            Declare(StatusCodes.Status400BadRequest, "Something is wrong with the request: errors names the fields.");
        }

        if (hasBody)
        {
            Declare(StatusCodes.Status413PayloadTooLarge, "The body is too large.");
            Declare(StatusCodes.Status415UnsupportedMediaType, "The body is not application/json.");
        }

        if (operation.Parameters?.Any(parameter => parameter.Name == IdempotencyKey.Header) == true)
        {
            Declare(StatusCodes.Status422UnprocessableEntity, "The Idempotency-Key belongs to another request.");
        }

        return Task.CompletedTask;

        void Declare(int status, string description)
        {
            var answers = operation.Responses ??= [];
            var key = status.ToString(CultureInfo.InvariantCulture);
            if (!answers.TryGetValue(key, out var answer))
            {
                answers[key] = answer = new OpenApiResponse
                {
                    Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                    {
                        ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference(nameof(ProblemDetails), context.Document) },
                    },
                };
            }

            answer.Description = description;
            if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable && answer is OpenApiResponse own)
            {
                own.Headers ??= new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal);
                own.Headers["Retry-After"] = new OpenApiHeader { Description = "Seconds to wait.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer } };
            }
        }
    }
}
