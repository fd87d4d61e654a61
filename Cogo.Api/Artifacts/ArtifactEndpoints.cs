using System.Globalization;
using Cogo.Api.Problems;
using Cogo.Core.Artifacts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;

namespace Cogo.Api.Artifacts;

/// <summary><c>/artifacts/**</c> and <c>/api/artifacts/index</c>.</summary>
internal static class ArtifactEndpoints
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1_000;

    public static void MapArtifacts(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapMethods("/artifacts/{**path}", [HttpMethods.Get, HttpMethods.Head], OpenAsync)
            .WithName("artifact")
            .WithTags("Artifacts")
            .WithSummary("One artifact's bytes")
            .WithDescription("Takes Range and If-None-Match; the ETag is the file's SHA-256. What a build made is not trusted: it is served without sniffing and in a sandbox.")
            .Produces(StatusCodes.Status200OK, contentType: "application/octet-stream")
            .Produces(StatusCodes.Status206PartialContent)
            .Produces(StatusCodes.Status304NotModified)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        endpoints.MapGet("/api/artifacts/index", ListAsync)
            .WithName("artifactIndex")
            .WithTags("Artifacts")
            .WithSummary("Artifacts, newest first")
            .WithDescription("Pass `next_cursor` as `cursor` to see the next page. Where artifacts are in S3, each has a signed link that is good for a while.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
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

    private static async Task<Results<Ok<ArtifactListing>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "task_id")] string? taskId,
        [FromQuery(Name = "limit")] string? limitText,
        [FromQuery(Name = "cursor")] string? cursor,
        ArtifactIndex index,
        IArtifactStore store,
        CancellationToken cancellationToken)
    {
        var limit = DefaultLimit;
        if (limitText is not null
            && (!int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxLimit))
        {
            return Problem.Invalid("limit", $"limit is a whole number from 1 to {MaxLimit}.");
        }

        if (taskId?.Contains('\0', StringComparison.Ordinal) == true)
        {
            return Problem.Invalid("task_id", "A task is named with A-Z a-z 0-9 . _ -");
        }

        try
        {
            var page = await index.ListAsync(taskId, limit, cursor, cancellationToken);
            var entries = new List<ArtifactEntry>(page.Artifacts.Count);
            foreach (var row in page.Artifacts)
            {
                entries.Add(ArtifactEntry.Of(row, await store.LinkAsync(row, cancellationToken)));
            }

            return TypedResults.Ok(new ArtifactListing(entries, page.NextCursor));
        }
        catch (FormatException e)
        {
            return Problem.Invalid("cursor", e.Message);
        }
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
