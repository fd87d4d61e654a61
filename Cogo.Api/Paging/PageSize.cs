namespace Cogo.Api.Paging;

/// <summary>How many rows a page of a list has.</summary>
/// <param name="Default">Without <c>limit</c>.</param>
/// <param name="Most">The largest <c>limit</c>.</param>
internal sealed record PageSize(int Default, int Most);
