using Cogo.Core.Pipeline;

namespace Cogo.Core.Workspaces;

/// <summary>A file of a commit, as git knows it.</summary>
/// <param name="Path">Relative to the project, with '/'.</param>
/// <param name="Mode">Six octal digits: 120000 is a symbolic link, 160000 a submodule.</param>
/// <param name="Blob">Id of the content: the same content has the same id, in any commit and repository.</param>
/// <param name="Bytes">0 for a submodule.</param>
public sealed record TreeEntry(string Path, string Mode, string Blob, long Bytes)
{
    public bool IsFile => Mode.StartsWith("100", StringComparison.Ordinal);
}

/// <summary>
/// The files of a commit, read from the mirror without a checkout: no link is followed, no filter of the repository
/// runs, and no name of it becomes a path on this machine.
/// </summary>
public sealed class RepositoryTree
{
    private const long ListingLimitBytes = 512L * 1024 * 1024;

    private readonly Git _git;
    private readonly string _mirror;
    private readonly TimeSpan _patience;

    internal RepositoryTree(Git git, string mirror, TimeSpan patience, string repository, string subfolder, string commit, string treeId) =>
        (_git, _mirror, _patience, Repository, Subfolder, Commit, TreeId) = (git, mirror, patience, repository, subfolder, commit, treeId);

    /// <summary>The repository for messages, without credentials.</summary>
    public string Repository { get; }

    /// <summary>The part of the repository that is the project: empty, or such as <c>samples/node</c>.</summary>
    public string Subfolder { get; }

    /// <summary>Full commit id.</summary>
    public string Commit { get; }

    /// <summary>The same while no file of the project differs in name, content or mode.</summary>
    public string TreeId { get; }

    /// <summary>Every file, link and submodule, sorted by path.</summary>
    /// <exception cref="WorkspaceException"><c>git_failed</c>.</exception>
    public Task<IReadOnlyList<TreeEntry>> ListAsync(CancellationToken cancellationToken) => ListAsync(_git, _mirror, TreeId, cancellationToken);

    /// <summary>Reads contents one after the other; one reader at a time uses it.</summary>
    public BlobReader OpenBlobs() => new(_git, _mirror, _patience);

    internal static async Task<IReadOnlyList<TreeEntry>> ListAsync(Git git, string gitFolder, string tree, CancellationToken cancellationToken)
    {
        var listed = await git.MustAsync(gitFolder, ["ls-tree", "-r", "-l", "--full-tree", tree], cancellationToken, new GitCall { OutputBytes = ListingLimitBytes });
        return [.. listed.Output.Select(Entry).OrderBy(entry => entry.Path, StringComparer.Ordinal)];
    }

    // <mode> SP <type> SP <id> SP+ <size, or -> TAB <name>
    private static TreeEntry Entry(string line)
    {
        var tab = line.IndexOf('\t', StringComparison.Ordinal);
        var parts = tab < 0 ? [] : line[..tab].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 4
            ? new TreeEntry(GitQuoting.Unquote(line[(tab + 1)..]), parts[0], parts[2], long.TryParse(parts[3], out var bytes) ? bytes : 0)
            : throw new WorkspaceException(WorkspaceCodes.GitFailed, "git listed a file in a form that is not known: install git 2.30 or later.", Verdict.Infrastructure);
    }
}
