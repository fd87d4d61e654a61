using System.ComponentModel;
using System.Text.Json.Serialization;
using Cogo.Api.Pipeline;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Indexing;

/// <summary>A repository to be indexed.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record IndexingRequest
{
    /// <summary>An absolute path as the workers see it, or a git URL without a password. A folder inside a repository means that part of it.</summary>
    public string? Repo { get; init; }

    /// <summary>Commit, branch or tag. Default: HEAD.</summary>
    public string? Base { get; init; }

    /// <summary>Names the folder of artifacts: 1 to 100 of A-Z a-z 0-9 . _ - that start with a letter or a digit. Default: a new one.</summary>
    public string? TaskId { get; init; }
}

/// <summary><c>POST /api/pipeline/indexing</c>.</summary>
internal static class IndexingEndpoint
{
    public static void MapIndexing(this IEndpointRouteBuilder endpoints) => endpoints
        .MapPost("/api/pipeline/indexing", SubmitAsync)
        .WithName("indexing")
        .WithTags("Pipeline", "Index")
        .WithSummary("Index a repository")
        .WithDescription("Puts the request on the bus and answers at once. What is committed is indexed, and of that only what is not in the index yet. Follow `links.trace` until it has a verdict.")
        .TakesSubmission<IndexingRequest>()
        .WithExamples(IndexExamples.Request, StatusCodes.Status202Accepted, IndexExamples.Accepted);

    private static async Task<Results<Accepted<CodeBuildTestAccepted>, ProblemHttpResult>> SubmitAsync(
        IndexingRequest request,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        IPublisher publisher,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var payload = new PipelineRequest
        {
            Target = Route.Indexing.ToString(),
            TaskId = request.TaskId ?? PipelineSubmission.NewTaskId(idempotencyKey, time),
            Repo = request.Repo,
            Base = request.Base,
        };
        var errors = CodeBuildTestValidation.Check(payload, Route.Indexing, idempotencyKey);
        return errors.Count > 0
            ? Problem.Invalid(errors)
            : await PipelineSubmission.PublishAsync(publisher, OutgoingMessage.Of(Route.Execute, payload), "indexing", request, idempotencyKey, payload.TaskId, cancellationToken);
    }
}
