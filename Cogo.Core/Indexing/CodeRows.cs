namespace Cogo.Core.Indexing;

/// <summary>A page of rows. <paramref name="NextCursor"/> asks for the next one; null on the last.</summary>
public sealed record CodePage<T>(IReadOnlyList<T> Rows, string? NextCursor);

/// <summary>An indexed repository.</summary>
/// <param name="Location">A path or URL, without credentials.</param>
/// <param name="Commit">Of the last indexing that came to its end; null before the first.</param>
/// <param name="Names">Names that files use, each counted once a file.</param>
/// <param name="Skipped">Files in scope that were left out.</param>
public sealed record CodeRepository(long Id, string Location, string? Commit, int Files, long Lines, long Symbols, long Names, int Skipped, DateTimeOffset? IndexedAt);

/// <summary>Something found.</summary>
/// <param name="Type"><c>symbol</c> or <c>file</c>.</param>
/// <param name="Score">1 for the very name, less for less.</param>
/// <param name="Name">Of a symbol; absent for a file, as all up to <paramref name="EndLine"/>.</param>
/// <param name="Line">1 for the first.</param>
public sealed record CodeHit(
    string Type, long Id, decimal Score, string Repo, string Path, string? Name, string? Kind, string? Container, string? Signature, int? Line, int? EndLine, string Language);

/// <summary>Where a name is declared.</summary>
public sealed record CodeDeclaration(long Id, string Repo, string Path, string Kind, string? Container, string? Signature, string Name, int Line, int? EndLine);

/// <summary>A file that uses a name.</summary>
/// <param name="Lines">Ascending, at most <see cref="FileFacts.MostLines"/>.</param>
public sealed record CodeUse(long FileId, string Repo, string Path, int Occurrences, IReadOnlyList<int> Lines);

/// <summary>What an engine is told of the code index.</summary>
/// <param name="IndexCommit">The commit of the last indexing. What is told holds for the task's base, too: other contents are left out.</param>
/// <param name="Symbols">Best first.</param>
/// <param name="Files">Paths, best first.</param>
public sealed record CodeContext(string? IndexCommit, IReadOnlyList<ContextSymbol> Symbols, IReadOnlyList<string> Files);

/// <summary>A declaration that matches a task.</summary>
public sealed record ContextSymbol(string Path, int Line, string Name, string Kind, string? Signature, string? Container);
