using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Pipeline;

/// <summary>What all endpoints have in common that put a request on the bus.</summary>
internal static class SubmissionConventions
{
    /// <summary>Takes the body as JSON up to the limit, and describes the answers when it cannot be taken.</summary>
    public static RouteHandlerBuilder TakesSubmission<TRequest>(this RouteHandlerBuilder endpoint)
        where TRequest : notnull => endpoint
        .WithMetadata(new RequestSizeLimitAttribute(CogoApi.BodyLimitBytes))
        .Accepts<TRequest>("application/json")
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
        .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
}
