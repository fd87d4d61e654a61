using System.Diagnostics;
using Cogo.Api.Limits;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Problems;

/// <summary>Errors as RFC 9457 problem details with a <c>code</c> for programs, a sentence for people and the <c>trace_id</c>.</summary>
internal static class Problem
{
    public const string CodeKey = "code";
    public const string TraceKey = "trace_id";
    public const string ErrorsKey = "errors";
    public const string BodyTooLargeCode = "body_too_large";

    public const string NotJson = "The body must be JSON: send it with Content-Type: application/json.";

    private const int MiB = 1024 * 1024;

    public static string BodyTooLarge(ApiLimits limits) =>
        $"The body is larger than {(limits.BodyLimitBytes % MiB == 0 ? $"{limits.BodyLimitBytes / MiB} MiB" : $"{limits.BodyLimitBytes} bytes")}. Send a smaller patch, or push the change to a branch and name it as base.";

    public static ProblemHttpResult Of(int status, string code, string detail) =>
        TypedResults.Problem(Details(status, code, detail));

    /// <summary>A 400 that names each field and what is wrong with it.</summary>
    public static ProblemHttpResult Invalid(IReadOnlyDictionary<string, string> errors)
    {
        // The first one's code speaks for all, the sentence lists them.
        var details = Details(
            StatusCodes.Status400BadRequest,
            "invalid_request",
            string.Join(' ', errors.Values));
        details.Extensions[ErrorsKey] = errors.ToDictionary(error => error.Key, error => new[] { error.Value }, StringComparer.Ordinal);
        return TypedResults.Problem(details);
    }

    public static ProblemHttpResult Invalid(string field, string sentence, string code = "invalid_request")
    {
        var result = Invalid(new Dictionary<string, string>(StringComparer.Ordinal) { [field] = sentence });
        result.ProblemDetails.Extensions[CodeKey] = code;
        return result;
    }

    public static ProblemDetails Details(int status, string code, string detail) => new()
    {
        Status = status,
        Detail = detail,
        Extensions = { [CodeKey] = code },
    };

    /// <summary>Lays the trace id, and a code where there is none, over every problem that leaves the API.</summary>
    public static void Complete(ProblemDetailsContext context)
    {
        var problem = context.ProblemDetails;
        problem.Extensions.Remove("traceId");
        problem.Extensions.TryAdd(CodeKey, problem.Status switch
        {
            StatusCodes.Status404NotFound => "not_found",
            StatusCodes.Status405MethodNotAllowed => "method_not_allowed",
            StatusCodes.Status412PreconditionFailed => "precondition_failed",
            StatusCodes.Status413PayloadTooLarge => BodyTooLargeCode,
            StatusCodes.Status415UnsupportedMediaType => "unsupported_media_type",
            StatusCodes.Status416RangeNotSatisfiable => "range_not_satisfiable",
            >= 500 => "internal_error",
            _ => "bad_request",
        });
        problem.Detail ??= problem.Status switch
        {
            StatusCodes.Status404NotFound => $"There is nothing at {context.HttpContext.Request.Path}. What there is: /openapi/v1.json, or /scalar to read it.",
            StatusCodes.Status405MethodNotAllowed => $"{context.HttpContext.Request.Path} does not take {context.HttpContext.Request.Method}. What there is: /openapi/v1.json, or /scalar to read it.",
            // These two are decided before and while the body is read, where no exception reaches the handler.
            StatusCodes.Status413PayloadTooLarge => BodyTooLarge(context.HttpContext.RequestServices.GetRequiredService<ApiLimits>()),
            StatusCodes.Status415UnsupportedMediaType => NotJson,
            StatusCodes.Status412PreconditionFailed => "What is there is not what the request's preconditions name: read it again.",
            StatusCodes.Status416RangeNotSatisfiable => "The range lies outside of what there is: Content-Range says how long it is.",
            _ => "The request cannot be answered.",
        };
        problem.Detail = Printable(problem.Detail);
        if (problem.Extensions.TryGetValue(ErrorsKey, out var errors) && errors is IReadOnlyDictionary<string, string[]> fields)
        {
            problem.Extensions[ErrorsKey] = fields.DistinctBy(field => Printable(field.Key))
                .ToDictionary(field => Printable(field.Key), field => field.Value.Select(Printable).ToArray(), StringComparer.Ordinal);
        }

        problem.Extensions[TraceKey] = TraceId();
    }

    /// <summary>A sentence may quote the caller, and is shown on terminals.</summary>
    private static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c)) : text;

    private static string TraceId() => (Activity.Current?.TraceId ?? ActivityTraceId.CreateRandom()).ToHexString();
}
