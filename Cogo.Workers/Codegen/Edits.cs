using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;

namespace Cogo.Workers.Codegen;

/// <summary>The artifact <c>edits.json</c>: what the change does, file by file.</summary>
public sealed record Edits
{
    public required string TaskId { get; init; }

    public required string Engine { get; init; }

    public string? Model { get; init; }

    /// <summary>Without credentials.</summary>
    public required string Repo { get; init; }

    /// <summary>The folder of the repository that paths are relative to, when it is not its top.</summary>
    public string? Subfolder { get; init; }

    /// <summary>Full commit id.</summary>
    public required string BaseCommit { get; init; }

    /// <summary>Lines added, all files together.</summary>
    public required int Added { get; init; }

    /// <summary>Lines removed, all files together.</summary>
    public required int Removed { get; init; }

    public required IReadOnlyList<FileEdit> Files { get; init; }

    /// <summary>What the engine was told of the code index; absent: nothing.</summary>
    public CodeContext? Context { get; init; }
}

/// <summary>One file of a change.</summary>
public sealed record FileEdit
{
    /// <summary>Relative to the project; for a deletion the file that was.</summary>
    public required string Path { get; init; }

    /// <summary>Where a renamed or copied file came from.</summary>
    public string? OldPath { get; init; }

    public required FileChange Kind { get; init; }

    public required int Added { get; init; }

    public required int Removed { get; init; }

    public bool? Binary { get; init; }

    /// <summary>SHA-256 of the content at the base, 64 hex digits; absent for a new file.</summary>
    public string? BeforeSha256 { get; init; }

    /// <summary>SHA-256 of the content after the change; absent for a deletion.</summary>
    public string? AfterSha256 { get; init; }
}

/// <summary>The artifact <c>cost.json</c>: what the attempt used. Absent figures are not known.</summary>
public sealed record CostReport
{
    public required string TaskId { get; init; }

    public required string Engine { get; init; }

    public string? Model { get; init; }

    public int? Turns { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public decimal? CostUsd { get; init; }

    public required long DurationMs { get; init; }

    /// <summary>1 on the first delivery.</summary>
    public required int Attempt { get; init; }
}
