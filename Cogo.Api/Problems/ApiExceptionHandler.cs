using System.Text.Json;
using Cogo.Api.Limits;
using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace Cogo.Api.Problems;

/// <summary>Turns what a request could not help into a problem that says what to do.</summary>
internal sealed partial class ApiExceptionHandler(IProblemDetailsService problems, ApiLimits limits, ILogger<ApiExceptionHandler> logger) : IExceptionHandler
{
    private const int LongestField = 100;

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            // Nobody is listening any more.
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }

        var problem = Describe(exception);
        if (problem.Status >= 500)
        {
            LogFailed(httpContext.Request.Method, httpContext.Request.Path, exception);
        }

        if (problem.Status == StatusCodes.Status503ServiceUnavailable)
        {
            httpContext.Response.Headers.RetryAfter = "2";
        }

        httpContext.Response.StatusCode = problem.Status!.Value;
        return await problems.TryWriteAsync(new ProblemDetailsContext { HttpContext = httpContext, ProblemDetails = problem, Exception = exception });
    }

    private ProblemDetails Describe(Exception exception) => exception switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => Problem.Details(
            StatusCodes.Status413PayloadTooLarge,
            Problem.BodyTooLargeCode,
            Problem.BodyTooLarge(limits)),
        PayloadTooLargeException payload => Problem.Details(StatusCodes.Status413PayloadTooLarge, Problem.BodyTooLargeCode, payload.Message),
        BadHttpRequestException { InnerException: JsonException json } => Malformed(json),
        BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType } => Problem.Details(
            StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", Problem.NotJson),
        BadHttpRequestException bad => Problem.Details(bad.StatusCode, "bad_request", bad.Message),
        IdempotencyConflictException conflict => Problem.Details(
            StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", conflict.Message),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.InvalidSchemaName } => Problem.Details(
            StatusCodes.Status503ServiceUnavailable, "not_migrated", "The database lacks Cogo's tables, or has them from an older version: run `cogo migrate`, then try again."),
        PostgresException { IsTransient: false } => Internal(),
        NpgsqlException or TimeoutException => Problem.Details(
            StatusCodes.Status503ServiceUnavailable, "database_unavailable", "The database does not answer. Nothing was stored; try again in a moment."),
        ArtifactStorageException => Problem.Details(
            StatusCodes.Status503ServiceUnavailable, "artifacts_unavailable", "The store of artifacts does not answer, or does not let this server in. The server's log has the cause; try again in a moment."),
        _ => Internal(),
    };

    private static ProblemDetails Internal() => Problem.Details(
        StatusCodes.Status500InternalServerError, "internal_error", "Something went wrong on the server. Its log has the cause under this trace_id.");

    private static ProblemDetails Malformed(JsonException json)
    {
        var field = Field(json.Path);
        var where = json.LineNumber is { } line ? $" (line {line + 1}, byte {json.BytePositionInLine + 1})" : "";
        if (field is null)
        {
            return Problem.Details(StatusCodes.Status400BadRequest, "malformed_json", $"The body is not a JSON object of the wanted shape{where}. /scalar shows the fields.");
        }

        // The serializer's own sentence names .NET types, which mean nothing to the caller.
        var sentence = json.Message switch
        {
            var text when text.Contains("could not be mapped", StringComparison.Ordinal) => $"'{field}' is not a field of this request{where}.",
            var text when text.Contains("could not be converted", StringComparison.Ordinal) => $"The value of '{field}' has the wrong type{where}.",
            _ => $"The value of '{field}' is not JSON of the wanted shape{where}.",
        };
        var problem = Problem.Details(StatusCodes.Status400BadRequest, "malformed_json", $"{sentence} /scalar shows the fields.");
        problem.Extensions[Problem.ErrorsKey] = new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [sentence] };
        return problem;
    }

    /// <summary>Out of <c>$.change.path</c> or <c>$['odd name']</c>; null: the body as a whole.</summary>
    private static string? Field(string? path)
    {
        var field = path?.TrimStart('$').TrimStart('.');
        return string.IsNullOrEmpty(field) ? null : field.Length <= LongestField ? field : string.Concat(field.AsSpan(0, LongestField), "…");
    }

    [LoggerMessage(EventId = 2000, Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private partial void LogFailed(string method, string path, Exception exception);
}
