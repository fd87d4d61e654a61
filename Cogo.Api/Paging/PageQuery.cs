using System.Globalization;
using Cogo.Api.Problems;
using Cogo.Core.Database;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Paging;

/// <summary>
/// What every list takes: <c>limit</c>, and the <c>next_cursor</c> of the page before as <c>cursor</c>. Describe the endpoint
/// with <see cref="PageConventions.Paged"/>.
/// </summary>
internal sealed record PageQuery(
    [property: FromQuery(Name = "limit")] string? Limit,
    [property: FromQuery(Name = "cursor")] string? Cursor)
{
    /// <summary>Answers with the page that <paramref name="ask"/> reads for a limit and a cursor, or says what is wrong.</summary>
    public Task<Results<Ok<T>, ProblemHttpResult>> AnswerAsync<T>(PageSize size, Func<int, string?, Task<T>> ask) =>
        AnswerAsync(size, new Dictionary<string, string>(StringComparer.Ordinal), ask);

    /// <inheritdoc cref="AnswerAsync{T}(PageSize, Func{int, string, Task{T}})"/>
    /// <param name="problems">What is wrong with the other fields.</param>
    public async Task<Results<Ok<T>, ProblemHttpResult>> AnswerAsync<T>(PageSize size, Dictionary<string, string> problems, Func<int, string?, Task<T>> ask)
    {
        var limit = size.Default;
        if (Limit is not null && (!int.TryParse(Limit, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit < 1 || limit > size.Most))
        {
            problems["limit"] = $"limit is a whole number from 1 to {size.Most}.";
        }

        if (problems.Count > 0)
        {
            return Problem.Invalid(problems);
        }

        try
        {
            return TypedResults.Ok(await ask(limit, Cursor));
        }
        catch (CursorException e)
        {
            return Problem.Invalid("cursor", e.Message);
        }
    }
}
