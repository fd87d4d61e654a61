using System.ComponentModel;
using System.Text.Json.Serialization;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Api.Workflows;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Pipeline;

/// <summary>One pass of a pipeline by name, without a run, repairs or a gate.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PipelineExecuteRequest : CodeBuildTestRequest
{
    /// <summary><c>codeBuildTest</c>, <c>indexing</c> or <c>indexAndCodeBuildTest</c>; the last is a workflow only.</summary>
    public string? Pipeline { get; init; }
}

/// <summary><c>POST /api/pipeline/execute</c>: one pass of a pipeline that is named in the body.</summary>
internal static class PipelineExecuteEndpoint
{
    public static void MapPipelineExecute(this IEndpointRouteBuilder endpoints) => endpoints
        .MapPost("/api/pipeline/execute", SubmitAsync)
        .WithName("executePipeline")
        .WithTags("Pipeline")
        .WithSummary("One pass of a pipeline by name")
        .WithDescription("As `/api/pipeline/codeBuildTest` for the pipeline named in `pipeline`: puts the request on the bus and answers at once. One pass, without repairs; `/api/workflows/execute` runs the same steps as a durable run.")
        .TakesSubmission<PipelineExecuteRequest>()
        .ProducesProblem(StatusCodes.Status409Conflict)
        .WithExamples(ApiExamples.PipelineExecuteRequest, StatusCodes.Status202Accepted, ApiExamples.CodeBuildTestAccepted);

    private static async Task<Results<Accepted<CodeBuildTestAccepted>, ProblemHttpResult>> SubmitAsync(
        PipelineExecuteRequest request,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        IPublisher publisher,
        TemplateAvailability templates,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (WorkflowTemplate.Find(request.Pipeline) is not { } template)
        {
            return Problem.Invalid("pipeline", $"pipeline is one of {WorkflowTemplate.CodeBuildTest.Name}, {WorkflowTemplate.Indexing.Name}.");
        }

        if (template == WorkflowTemplate.IndexAndCodeBuildTest)
        {
            return Problem.Invalid("pipeline", $"{template.Name} has steps that wait for each other: POST it to /api/workflows/execute as template.");
        }

        var change = PipelineSubmission.Change(request, request.TaskId ?? PipelineSubmission.NewTaskId(idempotencyKey, time));
        var payload = template.MakesChange ? change : new PipelineRequest { Target = Route.Indexing.ToString(), TaskId = change.TaskId, Repo = change.Repo, Base = change.Base, AllowDirty = change.AllowDirty };
        var errors = CodeBuildTestValidation.Check(payload, template.Steps[0].Route, idempotencyKey);
        CodeBuildTestValidation.CheckTenant(request.Tenant, errors);
        if (errors.Count > 0)
        {
            return Problem.Invalid(errors);
        }

        if (await templates.ProblemAsync(template, cancellationToken) is { } problem)
        {
            return Problem.Of(StatusCodes.Status409Conflict, "no_worker", problem);
        }

        var message = OutgoingMessage.Of(Route.Execute, payload) with { Tenant = request.Tenant };
        return await PipelineSubmission.PublishAsync(publisher, message, "executePipeline", request, idempotencyKey, payload.TaskId!, cancellationToken);
    }
}
