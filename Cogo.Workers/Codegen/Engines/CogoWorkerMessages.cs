namespace Cogo.Workers.Codegen.Engines;

/// <summary>What is posted to a cogo-worker; docs/codegen.md is its reference.</summary>
public sealed record CogoWorkerRequest
{
    public required string TaskId { get; init; }

    public required string TraceId { get; init; }

    /// <summary>As the request named it, without credentials.</summary>
    public required string Repo { get; init; }

    /// <summary>The folder of the repository that all paths are relative to, when it is not its top.</summary>
    public string? Subfolder { get; init; }

    /// <summary>Full commit id.</summary>
    public required string BaseCommit { get; init; }

    public required string Task { get; init; }

    public required IReadOnlyList<CogoWorkerFile> Files { get; init; }
}

/// <summary>A file at the base.</summary>
/// <param name="Content">Its text; absent where the file is not UTF-8 text or the limit is reached.</param>
public sealed record CogoWorkerFile(string Path, string? Content = null);

/// <summary>What a cogo-worker answers.</summary>
public sealed record CogoWorkerAnswer
{
    /// <summary>A unified diff relative to the project.</summary>
    public string? Diff { get; init; }

    /// <summary>Why there is no diff, in a sentence.</summary>
    public string? Error { get; init; }

    public string? Log { get; init; }

    public string? Model { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public decimal? CostUsd { get; init; }
}
