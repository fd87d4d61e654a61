using System.ComponentModel;
using System.Security.Cryptography;
using System.Text;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Pipeline;

/// <summary><c>POST /api/pipeline/codeBuildTest</c>: one change through codegen, build and test.</summary>
internal static class CodeBuildTestEndpoint
{
    public static void MapCodeBuildTest(this IEndpointRouteBuilder endpoints) => endpoints
        .MapPost("/api/pipeline/codeBuildTest", SubmitAsync)
        .WithName("codeBuildTest")
        .WithTags("Pipeline")
        .WithSummary("Make a change, build it and test it")
        .WithDescription("Puts the request on the bus and answers at once. The engine changes a fresh copy of the repository at `base`; the result is built and tested there, and your repository is not touched. Follow `links.trace` until it has a verdict.")
        .WithMetadata(new RequestSizeLimitAttribute(CogoApi.BodyLimitBytes))
        .Accepts<CodeBuildTestRequest>("application/json")
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
        .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
        .WithExamples(ApiExamples.CodeBuildTestRequest, StatusCodes.Status202Accepted, ApiExamples.CodeBuildTestAccepted);

    private static async Task<Results<Accepted<CodeBuildTestAccepted>, ProblemHttpResult>> SubmitAsync(
        CodeBuildTestRequest request,
        [FromHeader(Name = "Idempotency-Key"), Description("The same key with the same request is answered with the first receipt, and nothing new is started: safe to send again.")] string? idempotencyKey,
        IPublisher publisher,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var payload = new PipelineRequest
        {
            Target = Route.Codegen.ToString(),
            Next = Route.BuildTest.ToString(),
            TaskId = request.TaskId ?? NewTaskId(idempotencyKey, time),
            Repo = request.Repo,
            Base = request.Base,
            Engine = request.Engine,
            Patch = request.Patch,
            Command = request.Command,
            Task = request.Task,
            AllowDirty = request.AllowDirty ? true : null,
        };
        var errors = CodeBuildTestValidation.Check(payload, idempotencyKey);
        if (errors.Count > 0)
        {
            return Problem.Invalid(errors);
        }

        var message = OutgoingMessage.Of(Route.Execute, payload) with { IdempotencyKey = idempotencyKey };
        var receipt = await publisher.PublishAsync(message, cancellationToken);
        var links = new CodeBuildTestLinks(
            $"/api/metrics/trace/{receipt.TraceId}",
            $"/api/artifacts/index?task_id={Uri.EscapeDataString(payload.TaskId)}");
        return TypedResults.Accepted(
            links.Trace,
            new CodeBuildTestAccepted(payload.TaskId, receipt.TraceId, receipt.MessageId, receipt.Duplicate, links));
    }

    // Sorts by time; repeats with the key, so that a repeated request has the same payload.
    private static string NewTaskId(string? idempotencyKey, TimeProvider time)
    {
        if (idempotencyKey is null)
        {
            return $"{time.GetUtcNow():yyyyMMdd-HHmmss}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        }

        return $"key-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(idempotencyKey)))[..16]}";
    }
}
