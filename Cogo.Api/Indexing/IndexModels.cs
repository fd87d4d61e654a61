using Cogo.Core.Indexing;

namespace Cogo.Api.Indexing;

/// <summary>A page of what was found.</summary>
/// <param name="Trigrams">False: names are found by what they begin with or hold, not by resemblance, since pg_trgm is not there.</param>
/// <param name="Hits">Best first.</param>
/// <param name="NextCursor">Asks for the next page; absent on the last one.</param>
public sealed record IndexSearchResult(bool Trigrams, IReadOnlyList<IndexHit> Hits, string? NextCursor);

/// <summary>A symbol or a file.</summary>
/// <param name="Type"><c>symbol</c> or <c>file</c>.</param>
/// <param name="Score">1 for the very name, less for less.</param>
/// <param name="Repo">As it was indexed.</param>
/// <param name="Path">Relative to it.</param>
/// <param name="Name">Of a symbol; a file has none of the fields from here to <paramref name="EndLine"/>.</param>
/// <param name="Container">What it is declared in.</param>
/// <param name="Line">1 for the first.</param>
public sealed record IndexHit(
    string Type, decimal Score, string Repo, string Path, string Language, string? Name, string? Kind, string? Container, string? Signature, int? Line, int? EndLine)
{
    internal static IndexHit Of(CodeHit hit) =>
        new(hit.Type, hit.Score, hit.Repo, hit.Path, hit.Language, hit.Name, hit.Kind, hit.Container, hit.Signature, hit.Line, hit.EndLine);
}

/// <summary>A page of declarations of a name.</summary>
public sealed record IndexDeclarations(IReadOnlyList<IndexDeclaration> Symbols, string? NextCursor);

/// <summary>Where a name is declared.</summary>
public sealed record IndexDeclaration(string Repo, string Path, string Name, string Kind, string? Container, string? Signature, int Line, int? EndLine);

/// <summary>A page of files that use a name.</summary>
public sealed record IndexReferences(IReadOnlyList<IndexReference> References, string? NextCursor);

/// <summary>A file that uses a name.</summary>
/// <param name="Lines">Ascending, at most 100.</param>
public sealed record IndexReference(string Repo, string Path, int Occurrences, IReadOnlyList<int> Lines);

/// <summary>A page of indexed repositories.</summary>
public sealed record IndexRepositories(IReadOnlyList<IndexRepository> Repositories, string? NextCursor);

/// <summary>An indexed repository.</summary>
/// <param name="Repo">A path or URL, without credentials.</param>
/// <param name="Commit">Of the last indexing that came to its end; absent before the first.</param>
/// <param name="Names">Names that files use, each counted once a file.</param>
/// <param name="Skipped">Files in scope that were left out.</param>
public sealed record IndexRepository(string Repo, string? Commit, int Files, long Lines, long Symbols, long Names, int Skipped, DateTimeOffset? IndexedAt);
