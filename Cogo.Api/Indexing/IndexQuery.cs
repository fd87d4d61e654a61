using System.Globalization;
using Cogo.Api.Problems;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Indexing;

/// <summary>What every question to the index may say.</summary>
internal sealed record IndexQuery(
    [property: FromQuery(Name = "repo")] string? Repo,
    [property: FromQuery(Name = "limit")] string? Limit,
    [property: FromQuery(Name = "cursor")] string? Cursor)
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 500;
    private const int LongestRepo = 4096;

    /// <summary>Answers with a page, or says what is wrong with the question or that the repository is not indexed.</summary>
    public async Task<Results<Ok<T>, ProblemHttpResult>> AnswerAsync<T>(CodeIndex index, Func<long?, int, string?, Task<T>> ask, CancellationToken cancellationToken)
    {
        var limit = DefaultLimit;
        if (Limit is not null && (!int.TryParse(Limit, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxLimit))
            return Problem.Invalid("limit", $"limit is a whole number from 1 to {MaxLimit}.");

        long? repository = null;
        if (Repo is not null)
        {
            if (Location(Repo, out var problem) is not { } location)
                return Problem.Invalid("repo", problem!);
            if (await index.FindRepositoryAsync(location, cancellationToken) is not { } found)
                return Problem.Of(StatusCodes.Status404NotFound, "repository_not_indexed", $"{location} is not indexed: POST it to /api/pipeline/indexing. /api/index/repositories lists those that are.");
            repository = found.Id;
        }

        try
        {
            return TypedResults.Ok(await ask(repository, limit, Cursor));
        }
        catch (FormatException e)
        {
            return Problem.Invalid("cursor", e.Message);
        }
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
