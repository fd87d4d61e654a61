using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Indexing;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Indexing;

/// <summary><c>/api/index/*</c>: reads the code index.</summary>
internal static class IndexEndpoints
{
    private const int LongestQuery = 200;
    private const string Paged = " Pass `next_cursor` as `cursor` to see the next page.";

    public static void MapCodeIndex(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/api/index").WithTags("Index");
        Describe(group.MapGet("/search", SearchAsync), "searchIndex", "Symbols and files by words",
            "Best first: the name itself, names that begin so, names with all the words (`parse date` finds `ParseHttpDate`), names that resemble, files with all the words." + Paged, IndexExamples.Search);
        Describe(group.MapGet("/symbols/{name}", DeclarationsAsync), "indexSymbols", "Where a name is declared", "Case counts. None is an empty page." + Paged, IndexExamples.Symbols);
        Describe(group.MapGet("/symbols/{name}/references", UsesAsync), "indexReferences", "Which files use a name",
            "By name: another thing of the same name is listed too." + Paged, IndexExamples.References);
        Describe(group.MapGet("/repositories", RepositoriesAsync), "indexRepositories", "Repositories that are indexed", "By name." + Paged, IndexExamples.Repositories);
    }

    private static void Describe(RouteHandlerBuilder endpoint, string name, string summary, string description, string example) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .WithDescription(description)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
        .WithExamples(null, StatusCodes.Status200OK, example);

    private static async Task<Results<Ok<IndexSearchResult>, ProblemHttpResult>> SearchAsync(
        [FromQuery(Name = "q")] string? query, [FromQuery(Name = "type")] string? type, [AsParameters] IndexQuery asked, CodeIndex index, CancellationToken cancellationToken)
    {
        if (IndexQuery.TextProblem("q", query, LongestQuery) is { } problem)
            return Problem.Invalid("q", problem);
        if (type is not (null or "symbol" or "file"))
            return Problem.Invalid("type", "type is symbol or file; without it both are found.");

        return await asked.AnswerAsync(index, async (repository, limit, cursor) =>
        {
            var page = await index.SearchAsync(repository, query!, type, limit, cursor, cancellationToken);
            return new IndexSearchResult(await index.HasTrigramsAsync(cancellationToken), [.. page.Rows.Select(IndexHit.Of)], page.NextCursor);
        }, cancellationToken);
    }

    private static async Task<Results<Ok<IndexDeclarations>, ProblemHttpResult>> DeclarationsAsync(
        string name, [AsParameters] IndexQuery asked, CodeIndex index, CancellationToken cancellationToken)
    {
        if (IndexQuery.TextProblem("name", name, FileFacts.LongestName) is { } problem)
            return Problem.Invalid("name", problem);

        return await asked.AnswerAsync(index, async (repository, limit, cursor) =>
        {
            var page = await index.DeclarationsAsync(repository, name, limit, cursor, cancellationToken);
            return new IndexDeclarations([.. page.Rows.Select(row => new IndexDeclaration(row.Repo, row.Path, row.Name, row.Kind, row.Container, row.Signature, row.Line, row.EndLine))], page.NextCursor);
        }, cancellationToken);
    }

    private static async Task<Results<Ok<IndexReferences>, ProblemHttpResult>> UsesAsync(
        string name, [AsParameters] IndexQuery asked, CodeIndex index, CancellationToken cancellationToken)
    {
        if (IndexQuery.TextProblem("name", name, FileFacts.LongestName) is { } problem)
            return Problem.Invalid("name", problem);

        return await asked.AnswerAsync(index, async (repository, limit, cursor) =>
        {
            var page = await index.UsesAsync(repository, name, limit, cursor, cancellationToken);
            return new IndexReferences([.. page.Rows.Select(row => new IndexReference(row.Repo, row.Path, row.Occurrences, row.Lines))], page.NextCursor);
        }, cancellationToken);
    }

    private static async Task<Results<Ok<IndexRepositories>, ProblemHttpResult>> RepositoriesAsync(
        [FromQuery(Name = "limit")] string? limitText, [FromQuery(Name = "cursor")] string? cursorText, CodeIndex index, CancellationToken cancellationToken) =>
        await new IndexQuery(null, limitText, cursorText).AnswerAsync(index, async (_, limit, cursor) =>
        {
            var page = await index.ListRepositoriesAsync(limit, cursor, cancellationToken);
            return new IndexRepositories([.. page.Rows.Select(row => new IndexRepository(row.Location, row.Commit, row.Files, row.Lines, row.Symbols, row.Names, row.Skipped, row.IndexedAt))], page.NextCursor);
        }, cancellationToken);
}
