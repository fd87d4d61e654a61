namespace Cogo.Core.Workspaces;

public enum FileChange
{
    Added,
    Modified,
    Deleted,
    Renamed,
    Copied,
}

/// <summary>What a diff does to one file. Paths are relative to the project, with '/'.</summary>
public sealed record FileDiff
{
    /// <summary>The file after the change; for a deletion the file that was.</summary>
    public required string Path { get; init; }

    /// <summary>For a rename or copy, where it came from.</summary>
    public string? OldPath { get; init; }

    public required FileChange Change { get; init; }

    /// <summary>Lines added; 0 for a binary file.</summary>
    public int LinesAdded { get; init; }

    /// <summary>Lines removed; 0 for a binary file.</summary>
    public int LinesRemoved { get; init; }

    public bool IsBinary { get; init; }

    /// <summary>Every file mode the diff names for the file, such as <c>100644</c>; empty when it names none.</summary>
    public IReadOnlyList<string> Modes { get; init; } = [];

    /// <summary>A binary change without its bytes: made without <c>--binary</c>, so nothing can apply it.</summary>
    internal bool IsBinaryWithoutContent { get; init; }

    internal IEnumerable<string> AllPaths => OldPath is null ? [Path] : [OldPath, Path];
}
