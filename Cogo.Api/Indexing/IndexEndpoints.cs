using Cogo.Api.Paging;
using Cogo.Api.Reference;
using Cogo.Core.Indexing;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Indexing;

/// <summary><c>/api/index/*</c>: reads the code index.</summary>
internal static class IndexEndpoints
{
    private const int LongestQuery = 200;
    private const string Name = "A name of a symbol; case counts.";
    private const string Pages = " Pass `next_cursor` as `cursor` to see the next page.";

    private static readonly PageSize Page = new(50, 500);

    public static void MapCodeIndex(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/api/index").WithTags("Index");
        Describe(group.MapGet("/search", SearchAsync), "searchIndex", "Symbols and files by words",
            "Best first: the name itself, names that begin so, names with all the words (`parse date` finds `ParseHttpDate`), names that resemble, files with all the words." + Pages, IndexExamples.Search)
            .TakesRepository()
            .WithRequiredParameter("q", $"What to look for: up to {LongestQuery} characters.", "parse date")
            .WithParameter("type", "Only symbols, or only files. Default: both.", ParameterExtensions.OneOf("symbol", "file"));
        Describe(group.MapGet("/symbols/{name}", DeclarationsAsync), "indexSymbols", "Where a name is declared", "Case counts. None is an empty page." + Pages, IndexExamples.Symbols)
            .TakesRepository()
            .WithRequiredParameter("name", Name, IndexExamples.Name);
        Describe(group.MapGet("/symbols/{name}/references", UsesAsync), "indexReferences", "Which files use a name",
            "By name: another thing of the same name is listed too." + Pages, IndexExamples.References)
            .TakesRepository()
            .WithRequiredParameter("name", Name, IndexExamples.Name);
        Describe(group.MapGet("/repositories", RepositoriesAsync), "indexRepositories", "Repositories that are indexed", "By name." + Pages, IndexExamples.Repositories);
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder endpoint, string name, string summary, string description, string example) => endpoint
        .WithName(name)
        .WithSummary(summary)
        .WithDescription(description)
        .Paged(Page)
        .WithExamples(null, StatusCodes.Status200OK, example);

    private static RouteHandlerBuilder TakesRepository(this RouteHandlerBuilder endpoint) => endpoint
        .WithParameter("repo", "Only of this repository, as it was indexed. Default: all.", example: IndexExamples.Repository)
        .ProducesProblem(StatusCodes.Status404NotFound);

    private static Task<Results<Ok<IndexSearchResult>, ProblemHttpResult>> SearchAsync(
        [FromQuery(Name = "q")] string? query, [FromQuery(Name = "type")] string? type, [AsParameters] IndexQuery asked, [AsParameters] PageQuery page, CodeIndex index, CancellationToken cancellationToken)
    {
        var problems = Check("q", query, LongestQuery);
        if (type is not (null or "symbol" or "file"))
            problems["type"] = "type is symbol or file; without it both are found.";

        return asked.AnswerAsync(Page, page, problems, index, async (repository, limit, cursor) =>
        {
            var found = await index.SearchAsync(repository, query!, type, limit, cursor, cancellationToken);
            return new IndexSearchResult(await index.HasTrigramsAsync(cancellationToken), [.. found.Rows.Select(IndexHit.Of)], found.NextCursor);
        }, cancellationToken);
    }

    private static Task<Results<Ok<IndexDeclarations>, ProblemHttpResult>> DeclarationsAsync(
        string name, [AsParameters] IndexQuery asked, [AsParameters] PageQuery page, CodeIndex index, CancellationToken cancellationToken) =>
        asked.AnswerAsync(Page, page, Check("name", name, FileFacts.LongestName), index, async (repository, limit, cursor) =>
        {
            var found = await index.DeclarationsAsync(repository, name, limit, cursor, cancellationToken);
            return new IndexDeclarations([.. found.Rows.Select(row => new IndexDeclaration(row.Repo, row.Path, row.Name, row.Kind, row.Container, row.Signature, row.Line, row.EndLine))], found.NextCursor);
        }, cancellationToken);

    private static Task<Results<Ok<IndexReferences>, ProblemHttpResult>> UsesAsync(
        string name, [AsParameters] IndexQuery asked, [AsParameters] PageQuery page, CodeIndex index, CancellationToken cancellationToken) =>
        asked.AnswerAsync(Page, page, Check("name", name, FileFacts.LongestName), index, async (repository, limit, cursor) =>
        {
            var found = await index.UsesAsync(repository, name, limit, cursor, cancellationToken);
            return new IndexReferences([.. found.Rows.Select(row => new IndexReference(row.Repo, row.Path, row.Occurrences, row.Lines))], found.NextCursor);
        }, cancellationToken);

    private static Task<Results<Ok<IndexRepositories>, ProblemHttpResult>> RepositoriesAsync([AsParameters] PageQuery page, CodeIndex index, CancellationToken cancellationToken) =>
        page.AnswerAsync(Page, async (limit, cursor) =>
        {
            var found = await index.ListRepositoriesAsync(limit, cursor, cancellationToken);
            return new IndexRepositories([.. found.Rows.Select(row => new IndexRepository(row.Location, row.Commit, row.Files, row.Lines, row.Symbols, row.Names, row.Skipped, row.IndexedAt))], found.NextCursor);
        });

    private static Dictionary<string, string> Check(string field, string? text, int longest) =>
        IndexQuery.TextProblem(field, text, longest) is { } problem ? new(StringComparer.Ordinal) { [field] = problem } : new(StringComparer.Ordinal);
}
