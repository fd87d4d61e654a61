namespace Cogo.Core.Indexing;

/// <summary>What an indexing came to: the artifact <c>index.json</c>.</summary>
public sealed record IndexResult
{
    /// <summary>As the index knows it: a path or URL, without credentials.</summary>
    public required string Repo { get; init; }

    /// <summary>Full commit id.</summary>
    public required string Commit { get; init; }

    /// <summary>Nothing in scope had changed since the last indexing, and nothing was read.</summary>
    public required bool Unchanged { get; init; }

    /// <summary>In the index now.</summary>
    public required int Files { get; init; }

    public required long Lines { get; init; }

    public required long Symbols { get; init; }

    /// <summary>Names that files use, each counted once a file.</summary>
    public required long Names { get; init; }

    public int Added { get; init; }

    public int Changed { get; init; }

    public int Removed { get; init; }

    /// <summary>Files in scope that were left out.</summary>
    public required int Skipped { get; init; }

    /// <summary>Of files read now: how many of each language, and by whom they were read.</summary>
    public IReadOnlyList<IndexedLanguage> Languages { get; init; } = [];

    /// <summary>Files that were left out or read with less than the scope asks for, and why; at most <see cref="MostRemarks"/>.</summary>
    public IReadOnlyList<IndexRemark> Remarks { get; init; } = [];

    /// <summary>Analyzers that the scope asks for and that cannot run here.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Whether names are found by resemblance (pg_trgm).</summary>
    public required bool Trigrams { get; init; }

    public required long DurationMs { get; init; }

    public const int MostRemarks = 200;
}

/// <summary>Files of a language that one analyzer read.</summary>
public sealed record IndexedLanguage(string Language, string Analyzer, int Files);

/// <summary>Why a file is not in the index, or not wholly.</summary>
public sealed record IndexRemark(string Path, string Reason);

/// <summary>How far an indexing is.</summary>
public sealed record IndexProgress(int Files, int Of);

/// <summary>Another indexing of the same repository is at work: try again later.</summary>
public sealed class IndexBusyException(string message) : Exception(message);
