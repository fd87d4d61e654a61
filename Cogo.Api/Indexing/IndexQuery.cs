using Cogo.Api.Paging;
using Cogo.Api.Problems;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Indexing;

/// <summary>What every question about names may say beside its page.</summary>
internal sealed record IndexQuery([property: FromQuery(Name = "repo")] string? Repo)
{
    private const int LongestRepo = 4096;

    /// <summary>Answers with a page, or says what is wrong with the question or that the repository is not indexed.</summary>
    public async Task<Results<Ok<T>, ProblemHttpResult>> AnswerAsync<T>(
        PageSize size, PageQuery page, Dictionary<string, string> problems, CodeIndex index, Func<long?, int, string?, Task<T>> ask, CancellationToken cancellationToken)
    {
        long? repository = null;
        string? problem = null;
        if (Repo is not null && Location(Repo, out problem) is { } location && problems.Count == 0)
        {
            if (await index.FindRepositoryAsync(location, cancellationToken) is not { } found)
                return Problem.Of(StatusCodes.Status404NotFound, "repository_not_indexed", $"{location} is not indexed: POST it to /api/pipeline/indexing. /api/index/repositories lists those that are.");
            repository = found.Id;
        }

        if (problem is not null)
            problems["repo"] = problem;

        return await page.AnswerAsync(size, problems, (limit, cursor) => ask(repository, limit, cursor));
    }

    /// <summary>What is wrong with a text to look for; null: nothing.</summary>
    public static string? TextProblem(string field, string? text, int longest) =>
        string.IsNullOrWhiteSpace(text) ? $"{field} is missing: write what to look for."
        : text.Length > longest ? $"{field} has {text.Length} characters, and {longest} are allowed."
        : text.Any(char.IsControl) ? $"{field} holds a control character."
        : null;

    private static string? Location(string repo, out string? problem)
    {
        problem = repo.Length > LongestRepo ? $"repo has {repo.Length} characters, and {LongestRepo} are allowed." : null;
        if (problem is not null)
            return null;
        try
        {
            var location = RepositoryLocation.Parse(repo);
            if (location.LocalPath is null || Path.IsPathFullyQualified(repo) || repo.Contains("://", StringComparison.Ordinal))
                return location.Display;
            problem = "repo is a relative path: write it absolute, or give a git URL, as it was indexed.";
        }
        catch (WorkspaceException e)
        {
            problem = e.Message;
        }

        return null;
    }
}
