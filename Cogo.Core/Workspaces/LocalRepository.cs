namespace Cogo.Core.Workspaces;

/// <summary>
/// A repository on this machine, only ever read. <paramref name="GitFolder"/> is its absolute git directory,
/// <paramref name="Subfolder"/> the part that was named: empty, or a path such as <c>samples/node</c>.
/// </summary>
public sealed record LocalRepository(string GitFolder, string Subfolder, bool IsBare)
{
    private const int ListedFiles = 5;

    /// <summary>Finds the repository that holds <paramref name="path"/>.</summary>
    /// <exception cref="WorkspaceException"><c>repo_not_found</c> or <c>not_a_repository</c>.</exception>
    public static Task<LocalRepository> InspectAsync(string path, WorkspaceOptions options, CancellationToken cancellationToken) =>
        InspectAsync(path, new Git(options), cancellationToken);

    /// <summary>
    /// Refuses a local repository with uncommitted or untracked files in the named part of it: a task runs on a
    /// commit, so they would silently be left out. URLs and bare repositories are always clean.
    /// </summary>
    /// <exception cref="WorkspaceException"><c>dirty_repository</c>, and what <see cref="InspectAsync(string, WorkspaceOptions, CancellationToken)"/> throws.</exception>
    public static async Task EnsureCleanAsync(string repo, WorkspaceOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (RepositoryLocation.Parse(repo).LocalPath is not { } path)
            return;

        var git = new Git(options);
        var repository = await InspectAsync(path, git, cancellationToken);
        if (repository.IsBare)
            return;

        var status = await git.RunAsync(path,
            [.. await WithoutFiltersAsync(git, path, cancellationToken), "status", "--porcelain=v1", "--untracked-files=normal", "--ignore-submodules=all", "--", "."],
            cancellationToken);
        if (!status.Succeeded)
            throw new WorkspaceException(WorkspaceCodes.NotARepository, $"git cannot read the state of {path}: {status.Words}.");

        if (status.Output.Count == 0)
            return;

        var names = status.Output.Take(ListedFiles).Select(line => line.Length > 3 ? line[3..] : line);
        var more = status.Output.Count > ListedFiles ? $" and {status.Output.Count - ListedFiles} more" : "";
        throw new WorkspaceException(WorkspaceCodes.DirtyRepository,
            $"{path} has uncommitted changes ({string.Join(", ", names)}{more}): commit or stash them, or pass --allow-dirty to run on the committed state.");
    }

    internal static async Task<LocalRepository> InspectAsync(string path, Git git, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(path))
        {
            throw File.Exists(path)
                ? new WorkspaceException(WorkspaceCodes.NotARepository, $"{path} is a file: name the folder of a git repository.")
                : new WorkspaceException(WorkspaceCodes.RepoNotFound, $"There is no repository at {path}: check the path (it is read on the machine of the worker).");
        }

        var found = await git.RunAsync(path, ["rev-parse", "--absolute-git-dir", "--is-bare-repository", "--is-inside-work-tree", "--show-prefix"], cancellationToken);
        if (!found.Succeeded || found.Output.Count < 3)
        {
            throw new WorkspaceException(WorkspaceCodes.NotARepository,
                $"{path} is not in a git repository ({found.Words}): run 'git init' and commit there, or name another folder.");
        }

        var insideWorkTree = found.Output[2] == "true";
        var prefix = found.Output.Count > 3 ? found.Output[3] : "";
        return new LocalRepository(found.Output[0], insideWorkTree ? prefix.TrimEnd('/') : "", !insideWorkTree);
    }

    /// <summary>A repository's own configuration can name programs to clean a file with; comparing files would run them.</summary>
    private static async Task<IReadOnlyList<string>> WithoutFiltersAsync(Git git, string path, CancellationToken cancellationToken)
    {
        var filters = await git.RunAsync(path, ["config", "--name-only", "--get-regexp", @"^filter\..*\.(clean|smudge|process|required)$"], cancellationToken);
        var settings = new List<string>();
        foreach (var name in filters.Output.Distinct(StringComparer.Ordinal))
        {
            settings.Add("-c");
            settings.Add(name + (name.EndsWith(".required", StringComparison.Ordinal) ? "=false" : "="));
        }

        return settings;
    }
}
