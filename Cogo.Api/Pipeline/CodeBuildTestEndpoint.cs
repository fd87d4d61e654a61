using System.ComponentModel;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Bus;
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
        .TakesSubmission<CodeBuildTestRequest>()
        .WithExamples(ApiExamples.CodeBuildTestRequest, StatusCodes.Status202Accepted, ApiExamples.CodeBuildTestAccepted);

    private static async Task<Results<Accepted<CodeBuildTestAccepted>, ProblemHttpResult>> SubmitAsync(
        CodeBuildTestRequest request,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        IPublisher publisher,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var payload = PipelineSubmission.Change(request, request.TaskId ?? PipelineSubmission.NewTaskId(idempotencyKey, time));
        var errors = CodeBuildTestValidation.Check(payload, idempotencyKey);
        CodeBuildTestValidation.CheckTenant(request.Tenant, errors);
        if (errors.Count > 0)
        {
            return Problem.Invalid(errors);
        }

        var message = OutgoingMessage.Of(Route.Execute, payload) with { Tenant = request.Tenant };
        return await PipelineSubmission.PublishAsync(publisher, message, "codeBuildTest", request, idempotencyKey, payload.TaskId!, cancellationToken);
    }
}
