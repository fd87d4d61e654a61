namespace Cogo.Core.Workspaces;

/// <summary>
/// A folder that paths from elsewhere (a patch, a model) cannot leave: not by <c>..</c>, not absolutely, not through
/// a symbolic link, not into git's own files however spelled.
/// </summary>
public sealed class ConfinedFolder(string root)
{
    private const int MaxPathLength = 4096;

    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>The full path of <paramref name="relative"/>, which need not exist.</summary>
    /// <exception cref="WorkspaceException"><c>patch_escapes</c>.</exception>
    public string Resolve(string relative) => Problem(relative) is { } problem
        ? throw new WorkspaceException(WorkspaceCodes.PatchEscapes, problem)
        : Path.GetFullPath(Path.Combine(Root, relative));

    /// <summary>A sentence on why <paramref name="relative"/> may not be used, or null.</summary>
    public string? Problem(string relative)
    {
        ArgumentNullException.ThrowIfNull(relative);
        if (NameProblem(relative) is { } named)
            return named;

        var current = Root;
        foreach (var part in relative.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != "."))
        {
            current = Path.Combine(current, part);
            if (new FileInfo(current).LinkTarget is not null)
                return $"'{relative}' goes through the symbolic link '{Path.GetRelativePath(Root, current)}': name the file itself.";
        }

        return null;
    }

    /// <summary>What is wrong with the path as a name alone.</summary>
    internal static string? NameProblem(string path)
    {
        if (path.Length is 0 or > MaxPathLength)
            return "A path is empty or too long.";
        if (path.Any(char.IsControl))
            return "A path holds a control character.";
        if (path[0] == '/' || (path.Length > 1 && path[1] == ':' && char.IsAsciiLetter(path[0])))
            return $"'{path}' is an absolute path: write paths relative to the project.";
        if (path.Contains('\\', StringComparison.Ordinal))
            return $"'{path}' holds a backslash: write paths with '/'.";

        foreach (var part in path.Split('/'))
        {
            if (part == "..")
                return $"'{path}' leaves the project by '..'.";
            if (IsGitFolder(part))
                return $"'{path}' is among git's own files.";
        }

        return null;
    }

    /// <summary>
    /// As git's own verify_path sees it: <c>.git</c> in any case, with the dots, spaces and streams that NTFS drops
    /// and the invisible characters that HFS+ ignores, and its short name <c>git~1</c>.
    /// </summary>
    private static bool IsGitFolder(string part)
    {
        var visible = new string([.. part.Where(c => c is not ((>= '\u200c' and <= '\u200f') or (>= '\u202a' and <= '\u202e') or (>= '\u206a' and <= '\u206f') or '\ufeff'))]);
        var stream = visible.IndexOf(':', StringComparison.Ordinal);
        var name = (stream < 0 ? visible : visible[..stream]).TrimEnd(' ', '.');
        return name.Equals(".git", StringComparison.OrdinalIgnoreCase) || name.Equals("git~1", StringComparison.OrdinalIgnoreCase);
    }
}
