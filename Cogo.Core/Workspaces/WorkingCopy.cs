using Cogo.Core.Pipeline;

namespace Cogo.Core.Workspaces;

/// <summary>The whole change of a working copy against its base.</summary>
/// <param name="Diff">A git diff relative to the project, binary files included; empty when nothing changed.</param>
/// <param name="Files">What it does, file by file.</param>
public sealed record WorkingCopyChange(ReadOnlyMemory<byte> Diff, IReadOnlyList<FileDiff> Files);

/// <summary>
/// A commit of a repository, checked out into a folder of its own. Disposing removes the folder. One task uses it at
/// a time.
/// </summary>
public sealed class WorkingCopy : IAsyncDisposable
{
    private readonly Git _git;
    private readonly string _mirror;
    private readonly string _scratch;
    private readonly string _gitFolder;
    private readonly Func<Task> _remove;
    private bool _disposed;

    internal WorkingCopy(Git git, string mirror, string root, string scratch, string temporary, string subfolder, string baseCommit, string repository, Func<Task> remove)
    {
        _git = git;
        _mirror = mirror;
        _scratch = scratch;
        _remove = remove;
        TemporaryFolder = temporary;
        _gitFolder = Path.Combine(mirror, "worktrees", Path.GetFileName(root));
        Root = root;
        Subfolder = subfolder;
        BaseCommit = baseCommit;
        Repository = repository;
        Project = new ConfinedFolder(Path.Combine(root, subfolder));
    }

    /// <summary>The top folder of the checkout.</summary>
    public string Root { get; }

    /// <summary>The part of the repository that is the project: empty, or such as <c>samples/node</c>.</summary>
    public string Subfolder { get; }

    /// <summary>Full commit id.</summary>
    public string BaseCommit { get; }

    /// <summary>The repository for messages, without credentials.</summary>
    public string Repository { get; }

    /// <summary>The project's folder, where commands run and to which all paths are relative.</summary>
    public ConfinedFolder Project { get; }

    /// <summary>A folder beside the checkout for files of the task that are no part of the change; goes away with it.</summary>
    public string ScratchFolder => _scratch;

    /// <summary>
    /// For the temporary files of the task's processes, as their <c>TMPDIR</c>; goes away with the working copy, also when
    /// those processes were killed. Its path is short, since sockets are made in it.
    /// </summary>
    public string TemporaryFolder { get; }

    /// <summary>Checks a patch and applies it to the files.</summary>
    /// <exception cref="WorkspaceException">Any of the <c>patch_</c> codes; the files are as they were.</exception>
    public async Task<UnifiedDiff> ApplyAsync(ReadOnlyMemory<byte> patch, PatchRules rules, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var diff = rules.Read(patch);
        foreach (var path in diff.Files.SelectMany(file => file.Change == FileChange.Deleted ? [] : file.AllPaths))
        {
            if (Project.Problem(path) is { } problem)
                throw new WorkspaceException(WorkspaceCodes.PatchEscapes, $"The patch is refused: {problem}");
        }

        var file = Path.Combine(_scratch, "incoming.patch");
        await File.WriteAllBytesAsync(file, diff.Bytes, cancellationToken);
        string[] apply = ["apply", $"-p{diff.Strip}", "--whitespace=nowarn", .. Subfolder.Length > 0 ? [$"--directory={Subfolder}"] : Array.Empty<string>()];

        // git's own reading of the names must be ours, or the checks above looked at something else.
        var seen = await RunAsync([.. apply, "--numstat", "--", file], cancellationToken);
        if (!seen.Succeeded)
            throw DoesNotApply(diff, seen, WorkspaceCodes.PatchMalformed);

        var prefix = Subfolder.Length > 0 ? Subfolder + "/" : "";
        var theirs = seen.Output.Select(line => GitQuoting.Unquote(line.Split('\t', 3)[^1])).ToHashSet(StringComparer.Ordinal);
        var ours = diff.Files.Select(change => prefix + change.Path).ToHashSet(StringComparer.Ordinal);
        if (!theirs.SetEquals(ours))
        {
            theirs.SymmetricExceptWith(ours);
            throw new WorkspaceException(WorkspaceCodes.PatchMalformed, $"The patch cannot be read without doubt: its headers do not agree on '{theirs.First()}'. Make it with 'git diff'.");
        }

        var tried = await RunAsync([.. apply, "--check", "--", file], cancellationToken);
        if (!tried.Succeeded)
            throw DoesNotApply(diff, tried, WorkspaceCodes.PatchDoesNotApply);

        var applied = await RunAsync([.. apply, "--", file], cancellationToken);
        if (!applied.Succeeded)
            throw new WorkspaceException(WorkspaceCodes.GitFailed, $"The patch applied in the check but not for real: {applied.Words}.", Verdict.Infrastructure);

        await IncludeAsync([.. diff.Files.Where(change => change.Change != FileChange.Deleted).Select(change => change.Path)], cancellationToken);
        return diff;
    }

    /// <summary>Makes files part of the change even where <c>.gitignore</c> names them.</summary>
    /// <param name="paths">Relative to the project; those that do not exist are passed over.</param>
    public async Task IncludeAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var existing = paths.Select(Project.Resolve).Where(File.Exists).ToList();
        if (existing.Count == 0)
            return;

        var list = Path.Combine(_scratch, "include");
        await File.WriteAllTextAsync(list, string.Concat(existing.Select(path => Path.GetRelativePath(Root, path) + "\0")), cancellationToken);
        await MustAsync(["add", "--force", "--intent-to-add", "--pathspec-from-file=" + list, "--pathspec-file-nul"], cancellationToken);
    }

    /// <summary>Tracked and new files of the project that git does not ignore, sorted, relative to the project.</summary>
    public async Task<IReadOnlyList<string>> ListFilesAsync(CancellationToken cancellationToken)
    {
        var listed = await MustAsync(["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", Subfolder.Length > 0 ? Subfolder : "."], cancellationToken);
        var cut = Subfolder.Length > 0 ? Subfolder.Length + 1 : 0;
        return
        [
            .. listed.Output.Select(GitQuoting.Unquote)
                .Where(path => path.Length > cut && File.Exists(Path.Combine(Root, path)))
                .Select(path => path[cut..])
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The files of the project as they are in the base commit, whatever was changed since.</summary>
    public Task<IReadOnlyList<TreeEntry>> ListBaseAsync(CancellationToken cancellationToken) =>
        RepositoryTree.ListAsync(_git, _mirror, $"{BaseCommit}:{Subfolder}", cancellationToken);

    /// <summary>
    /// Everything that differs from the base commit, new files included, whatever was staged or committed meanwhile.
    /// </summary>
    /// <exception cref="WorkspaceException">
    /// <c>change_outside_project</c>; <c>patch_too_large</c>; <c>patch_escapes</c> when a symbolic link or a nested
    /// repository was made, or a name holds control characters.
    /// </exception>
    public async Task<WorkingCopyChange> TakeChangeAsync(PatchRules rules, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rules);
        var index = Path.Combine(_scratch, "change.index");
        File.Copy(Path.Combine(_gitFolder, "index"), index, overwrite: true);

        // Blobs of the change go to the scratch folder: the mirror stays as it was fetched.
        var objects = Path.Combine(_scratch, "objects");
        Directory.CreateDirectory(objects);
        var call = new GitCall
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["GIT_INDEX_FILE"] = index,
                ["GIT_OBJECT_DIRECTORY"] = objects,
                ["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = Path.Combine(_mirror, "objects"),
            },
        };
        await MustAsync(["add", "--all", "--", "."], cancellationToken, call);

        string[] difference = ["diff", "--cached", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none"];
        if (Subfolder.Length > 0)
        {
            var all = await MustAsync([.. difference, "--name-only", "--no-renames", BaseCommit, "--"], cancellationToken, call);
            if (all.Output.Select(GitQuoting.Unquote).FirstOrDefault(path => !path.StartsWith(Subfolder + "/", StringComparison.Ordinal)) is { } outside)
                throw new WorkspaceException(WorkspaceCodes.ChangeOutsideProject, $"'{outside}' was changed, which is outside the project folder {Subfolder}: change files inside it only, or name the whole repository.");
        }

        var output = Path.Combine(_scratch, "change.patch");
        await MustAsync(
            [.. difference, "--binary", "--full-index", "--find-renames", "--src-prefix=a/", "--dst-prefix=b/", "--output=" + output,
             .. Subfolder.Length > 0 ? [$"--relative={Subfolder}/"] : Array.Empty<string>(), BaseCommit, "--"],
            cancellationToken, call);

        var length = new FileInfo(output).Length;
        if (length == 0)
            return new WorkingCopyChange(ReadOnlyMemory<byte>.Empty, []);
        if (length > rules.MaxBytes)
            throw new WorkspaceException(WorkspaceCodes.PatchTooLarge, $"The change has {length:N0} bytes and at most {rules.MaxBytes:N0} are taken: is a folder of build results missing in .gitignore?");

        var diff = rules.Read(await File.ReadAllBytesAsync(output, cancellationToken));
        return new WorkingCopyChange(diff.Bytes, diff.Files);
    }

    /// <summary>Puts files as they are in the base commit into a folder of their own, which goes away with the working copy.</summary>
    /// <param name="paths">Relative to the project; each must be in the base.</param>
    /// <returns>The folder that stands for the project. Symbolic links of the base are links there too.</returns>
    public async Task<string> ExtractBaseAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var folder = Path.Combine(_scratch, "base");
        var project = Path.Combine(folder, Subfolder);
        Directory.CreateDirectory(project);
        if (paths.Count == 0)
            return project;

        var prefix = Subfolder.Length > 0 ? Subfolder + "/" : "";
        var list = Path.Combine(_scratch, "base.paths");
        await File.WriteAllTextAsync(list, string.Concat(paths.Select(path => prefix + path + "\0")), cancellationToken);
        var call = new GitCall
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["GIT_INDEX_FILE"] = Path.Combine(_scratch, "base.index") },
        };
        string[] there = [$"--git-dir={_gitFolder}", $"--work-tree={folder}"];
        await _git.MustAsync(folder, [.. there, "read-tree", BaseCommit], cancellationToken, call);
        await _git.MustAsync(folder, [.. there, "checkout", "--quiet", "--pathspec-from-file=" + list, "--pathspec-file-nul"], cancellationToken, call);
        return project;
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
            return;
        _disposed = true;
        await _remove();
    }

    private WorkspaceException DoesNotApply(UnifiedDiff diff, GitResult result, string code)
    {
        if (result.TimedOut)
            return new WorkspaceException(WorkspaceCodes.GitFailed, $"The patch could not be checked: {result.Words}.", Verdict.Infrastructure);

        var words = result.Words.Replace(Path.Combine(_scratch, "incoming.patch"), "the patch", StringComparison.Ordinal);
        if (words.Contains("symbolic link", StringComparison.Ordinal) || words.Contains("invalid path", StringComparison.Ordinal))
            code = WorkspaceCodes.PatchEscapes;

        var hint = Subfolder.Length > 0 && diff.Files.All(file => file.Path.StartsWith(Subfolder + "/", StringComparison.Ordinal))
            ? $" Its paths start with {Subfolder}/, but the project is that folder: make it with 'git diff --relative' there."
            : code == WorkspaceCodes.PatchDoesNotApply ? " Make it anew against this base." : "";
        return new WorkspaceException(code, code == WorkspaceCodes.PatchMalformed
            ? $"git cannot read the patch: {words}.{hint}"
            : $"The patch does not apply to {BaseCommit[..12]}: {words}.{hint}");
    }

    private Task<GitResult> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        _git.RunAsync(Root, Pinned(arguments), cancellationToken);

    private Task<GitResult> MustAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken, GitCall? call = null) =>
        _git.MustAsync(Root, Pinned(arguments), cancellationToken, call);

    /// <summary>Names the git directory, for what ran in the working copy may have replaced its <c>.git</c>.</summary>
    private string[] Pinned(IReadOnlyList<string> arguments) => [$"--git-dir={_gitFolder}", $"--work-tree={Root}", .. arguments];
}
