namespace Cogo.Core.Workspaces;

/// <summary>What a patch may do.</summary>
public sealed record PatchRules
{
    /// <summary>For a patch that somebody sent.</summary>
    public static PatchRules Submitted { get; } = new();

    /// <summary>For a change that a codegen engine made and Cogo stored: git's binary form is expected there.</summary>
    public static PatchRules Stored { get; } = new() { AllowBinary = true, MaxBytes = 64 * 1024 * 1024 };

    public int MaxBytes { get; init; } = 4 * 1024 * 1024;

    public int MaxFiles { get; init; } = 5000;

    public bool AllowBinary { get; init; }

    /// <summary>Refuses what no patch may do, whatever the working copy holds.</summary>
    /// <exception cref="WorkspaceException"><c>patch_too_large</c>, <c>patch_binary</c>, <c>patch_escapes</c>, <c>patch_empty</c> or <c>patch_malformed</c>.</exception>
    public UnifiedDiff Read(ReadOnlyMemory<byte> patch)
    {
        if (patch.Length > MaxBytes)
            throw new WorkspaceException(WorkspaceCodes.PatchTooLarge, $"The patch has {patch.Length:N0} bytes and at most {MaxBytes:N0} are taken: split it.");

        var diff = UnifiedDiff.Parse(patch);
        if (diff.Files.Count > MaxFiles)
            throw new WorkspaceException(WorkspaceCodes.PatchTooLarge, $"The patch changes {diff.Files.Count:N0} files and at most {MaxFiles:N0} are taken: split it.");

        foreach (var file in diff.Files)
            Check(file);
        return diff;
    }

    private void Check(FileDiff file)
    {
        foreach (var path in file.AllPaths)
        {
            if (ConfinedFolder.NameProblem(path) is { } problem)
                throw new WorkspaceException(WorkspaceCodes.PatchEscapes, $"The patch is refused: {problem}");
        }

        foreach (var mode in file.Modes)
        {
            switch (mode)
            {
                case "100644" or "100755" or "100664":
                case "120000" when file.Change == FileChange.Deleted:
                    break;
                case "120000":
                    throw new WorkspaceException(WorkspaceCodes.PatchEscapes, $"The patch is refused: it makes or changes the symbolic link '{file.Path}'.");
                case "160000":
                    throw new WorkspaceException(WorkspaceCodes.PatchEscapes, $"The patch is refused: it makes or changes the submodule '{file.Path}'.");
                default:
                    throw new WorkspaceException(WorkspaceCodes.PatchMalformed, $"The patch cannot be read: '{file.Path}' has the file mode '{mode}'.");
            }
        }

        if (file.IsBinaryWithoutContent || (file.IsBinary && !AllowBinary))
            throw new WorkspaceException(WorkspaceCodes.PatchBinary, $"The patch is refused: '{file.Path}' is a binary change. Send text changes only.");
    }
}
