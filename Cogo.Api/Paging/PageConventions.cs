using Cogo.Api.Reference;
using Microsoft.OpenApi;

namespace Cogo.Api.Paging;

/// <summary>Describes lists.</summary>
internal static class PageConventions
{
    /// <summary>The endpoint takes a <see cref="PageQuery"/> and answers with <c>next_cursor</c>.</summary>
    public static RouteHandlerBuilder Paged(this RouteHandlerBuilder endpoint, PageSize size) => endpoint
        .WithParameter("limit", $"Most rows of the page. Default: {size.Default}.", new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = $"{size.Most}", Default = size.Default })
        .WithParameter("cursor", "The `next_cursor` of the page before. Default: the first page.");
}
