using Cogo.Api.Paging;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Artifacts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace Cogo.Api.Artifacts;

/// <summary><c>/artifacts/**</c> and <c>/api/artifacts/index</c>.</summary>
internal static class ArtifactEndpoints
{
    private const int LongestTaskId = 200;

    private const string Example = """
        {
          "artifacts": [
            {
              "path": "fix-add/codegen/change.diff",
              "url": "/artifacts/fix-add/codegen/change.diff",
              "task_id": "fix-add",
              "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
              "bytes": 610,
              "sha256": "049b08d3e973aee1aa291a2ec6198d197a91c3db212e892a3a99db79029c5231",
              "content_type": "text/x-diff; charset=utf-8",
              "created_at": "2026-01-05T09:00:03.000000+00:00"
            }
          ],
          "next_cursor": "YXJ0aWZhY3RzCjYzOTAzMjA0MDAzMDAwMDAwMApmaXgtYWRkL2NvZGVnZW4vY2hhbmdlLmRpZmY"
        }
        """;

    private static readonly PageSize Page = new(100, 1_000);

    public static void MapArtifacts(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapMethods("/artifacts/{**path}", [HttpMethods.Get, HttpMethods.Head], OpenAsync)
            .WithName("artifact")
            .WithTags("Artifacts")
            .WithSummary("One artifact's bytes")
            .WithDescription("Takes Range and If-None-Match; the ETag is the file's SHA-256. What a build made is not trusted: it is served without sniffing and in a sandbox.")
            .Produces<Stream>(StatusCodes.Status200OK, "application/octet-stream")
            .Produces<Stream>(StatusCodes.Status206PartialContent, "application/octet-stream")
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status412PreconditionFailed)
            .ProducesProblem(StatusCodes.Status416RangeNotSatisfiable)
            .WithRequiredParameter("path", "As `/api/artifacts/index` lists it: task, stage and name.", "fix-add/build-test/report.json")
            .ProducesProblem(StatusCodes.Status404NotFound);
        endpoints.MapGet("/api/artifacts/index", ListAsync)
            .WithName("artifactIndex")
            .WithTags("Artifacts")
            .WithSummary("Artifacts, newest first")
            .WithDescription("Pass `next_cursor` as `cursor` to see the next page. Where artifacts are in S3, each has a signed link that is good for a while.")
            .WithParameter("task_id", "Only of this task.", example: "fix-add")
            .Paged(Page)
            .WithExamples(null, StatusCodes.Status200OK, Example);
    }

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> OpenAsync(
        string? path, IArtifactStore store, HttpResponse response, CancellationToken cancellationToken)
    {
        if (!ArtifactPath.IsValid(path)
            || await store.ReadAsync(path!, cancellationToken) is not var (row, stream))
        {
            return Problem.Of(StatusCodes.Status404NotFound, "artifact_not_found", "There is no such artifact. /api/artifacts/index lists those there are.");
        }

        response.Headers.XContentTypeOptions = "nosniff";
        // Without allow-scripts and allow-same-origin a page from a build can neither run code nor reach this API.
        response.Headers.ContentSecurityPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";
        response.Headers.CacheControl = "no-cache";
        return TypedResults.Stream(
            stream,
            ArtifactContentType.Of(path!, row.ContentType),
            lastModified: row.CreatedAt,
            entityTag: new EntityTagHeaderValue($"\"{row.Sha256}\""),
            enableRangeProcessing: true);
    }

    private static Task<Results<Ok<ArtifactListing>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "task_id")] string? taskId, [AsParameters] PageQuery asked, ArtifactIndex index, IArtifactStore store, CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        if (taskId is not null && (taskId.Length > LongestTaskId || taskId.Any(char.IsControl)))
        {
            problems["task_id"] = $"A task is named with up to {LongestTaskId} of A-Z a-z 0-9 . _ -";
        }

        return asked.AnswerAsync(Page, problems, async (limit, cursor) =>
        {
            var page = await index.ListAsync(taskId, limit, cursor, cancellationToken);
            var entries = new List<ArtifactEntry>(page.Artifacts.Count);
            foreach (var row in page.Artifacts)
            {
                entries.Add(ArtifactEntry.Of(row, await store.LinkAsync(row, cancellationToken)));
            }

            return new ArtifactListing(entries, page.NextCursor);
        });
    }
}

/// <summary>A page of artifacts.</summary>
/// <param name="Artifacts">Newest first.</param>
/// <param name="NextCursor">Asks for the next page; absent on the last one.</param>
public sealed record ArtifactListing(IReadOnlyList<ArtifactEntry> Artifacts, string? NextCursor);

/// <summary>A stored file.</summary>
/// <param name="Path">Task, stage and name.</param>
/// <param name="Url">Where it is served, on this server.</param>
/// <param name="SignedUrl">Where anybody who has it may fetch the file, straight from the store; absent where files are in a folder.</param>
/// <param name="SignedUrlExpiresAt">When that ends.</param>
public sealed record ArtifactEntry(
    string Path,
    string Url,
    string? TaskId,
    string? TraceId,
    long Bytes,
    string Sha256,
    string ContentType,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    Uri? SignedUrl,
    DateTimeOffset? SignedUrlExpiresAt)
{
    internal static ArtifactEntry Of(ArtifactRow row, SignedLink? link) => new(
        row.Path, $"/artifacts/{row.Path}", row.TaskId, row.TraceId, row.Bytes, row.Sha256, row.ContentType, row.CreatedAt, row.ExpiresAt,
        link?.Address, link?.ExpiresAt);
}
