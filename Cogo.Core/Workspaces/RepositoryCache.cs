using Cogo.Core.Pipeline;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Workspaces;

/// <summary>
/// Keeps a mirror of each repository in the work folder and hands out working copies of its commits. Safe to use
/// from any number of tasks and processes at once. Nothing is ever written to the repository itself.
/// <code>
/// &lt;work&gt;/git/&lt;key&gt;/mirror.git   the mirror
/// &lt;work&gt;/git/&lt;key&gt;/lock         held while the mirror or its list of worktrees changes
/// &lt;work&gt;/tmp/                   temporary files of the processes that work in them
/// &lt;work&gt;/git/&lt;key&gt;/copies/      working copies; &lt;id&gt;.lock is held by the process that uses one
/// </code>
/// </summary>
public sealed partial class RepositoryCache
{
    // A socket's path has at most 104 characters, and .NET's compilers and Python's worker pools add up to 55 to TMPDIR.
    private const int LongestTemporaryPath = 32;

    private readonly WorkspaceOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<RepositoryCache> _logger;
    private readonly Git _git;
    private readonly string _root;
    private readonly string _temporary;

    /// <exception cref="WorkspaceException"><c>work_folder_unusable</c>.</exception>
    public RepositoryCache(WorkspaceOptions options, TimeProvider time, ILogger<RepositoryCache> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _time = time;
        _logger = logger;
        _git = new Git(options);
        var work = Path.GetFullPath(options.WorkFolder);
        _root = Path.Combine(work, "git");
        var temporary = Path.Combine(work, "tmp");
        _temporary = temporary.Length <= LongestTemporaryPath ? temporary : Path.GetTempPath();
    }

    /// <summary>
    /// Fetches <paramref name="repo"/> anew and checks <paramref name="revision"/> (default: HEAD) out into a folder
    /// of its own, which goes away with the working copy.
    /// </summary>
    /// <param name="repo">A local path or a git URL. A folder inside a repository means that part of it.</param>
    /// <param name="revision">Commit, branch or tag.</param>
    /// <exception cref="WorkspaceException">See <see cref="WorkspaceCodes"/>.</exception>
    public Task<WorkingCopy> CheckOutAsync(string? repo, string? revision, CancellationToken cancellationToken) =>
        FetchAsync(repo, revision, async (home, _, location, subfolder, commit) =>
        {
            await SweepAsync(home, cancellationToken);
            return await AddAsync(home, location, subfolder, commit, cancellationToken);
        }, cancellationToken);

    /// <summary>
    /// Fetches <paramref name="repo"/> anew and finds the tree of <paramref name="revision"/> (default: HEAD), without
    /// checking anything out.
    /// </summary>
    /// <inheritdoc cref="CheckOutAsync"/>
    public Task<RepositoryTree> ReadTreeAsync(string? repo, string? revision, CancellationToken cancellationToken) =>
        FetchAsync(repo, revision, async (home, mirror, location, subfolder, commit) =>
        {
            var tree = await mirror.TryTreeAsync(commit, subfolder, cancellationToken) ?? throw NotInBase(location, subfolder, commit);
            return new RepositoryTree(_git, MirrorOf(home), _options.GitTimeout, location.Display, subfolder, commit, tree);
        }, cancellationToken);

    private async Task<T> FetchAsync<T>(
        string? repo, string? revision, Func<string, Mirror, RepositoryLocation, string, string, Task<T>> use, CancellationToken cancellationToken)
    {
        var location = RepositoryLocation.Parse(repo);
        var local = location.LocalPath is { } path ? await LocalRepository.InspectAsync(path, _git, cancellationToken) : null;
        var home = Path.Combine(_root, RepositoryLocation.Key(local?.GitFolder ?? location.Url!));
        try
        {
            Directory.CreateDirectory(CopiesOf(home));
            using var held = await TakeLockAsync(home, cancellationToken);
            var mirror = new Mirror(_git, MirrorOf(home));
            await mirror.FetchAsync(location, local, cancellationToken);
            var commit = await mirror.ResolveAsync(location, local, revision, cancellationToken);
            return await use(home, mirror, location, local?.Subfolder ?? "", commit);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkspaceException(WorkspaceCodes.WorkFolderUnusable,
                $"The work folder {home} cannot be used: {e.Message} Free some space there, or set COGO_WORK to another folder.", Verdict.Infrastructure, e);
        }
    }

    /// <summary>Removes the working copies that dead processes left behind, in all repositories.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(_root))
            return;

        foreach (var home in Directory.EnumerateDirectories(_root).Where(folder => Directory.Exists(CopiesOf(folder))).ToList())
        {
            using var held = await TakeLockAsync(home, cancellationToken);
            await SweepAsync(home, cancellationToken);
        }
    }

    private static WorkspaceException NotInBase(RepositoryLocation location, string subfolder, string commit) => new(
        WorkspaceCodes.SubfolderNotInBase, $"The folder {subfolder} of {location.Display} is not in commit {commit[..12]}: commit it first, or name another base.");

    private static string MirrorOf(string home) => Path.Combine(home, "mirror.git");

    private static string CopiesOf(string home) => Path.Combine(home, "copies");

    private static string ScratchOf(string home, string id) => Path.Combine(CopiesOf(home), id + ".scratch");

    // The end of the id is its random part.
    private string TemporaryOf(string id) => Path.Combine(_temporary, $"cogo-{id[Math.Max(0, id.Length - 10)..]}");

    private static void MakePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private void Delete(string home, string id)
    {
        FolderRemoval.Delete(Path.Combine(CopiesOf(home), id));
        FolderRemoval.Delete(ScratchOf(home, id));
        FolderRemoval.Delete(TemporaryOf(id));
    }

    private Task<FileLock> TakeLockAsync(string home, CancellationToken cancellationToken) =>
        FileLock.TakeAsync(Path.Combine(home, "lock"), _options.FetchTimeout + _options.GitTimeout, _time, cancellationToken);

    private async Task<WorkingCopy> AddAsync(string home, RepositoryLocation location, string subfolder, string commit, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7().ToString("N");
        var tree = Path.Combine(CopiesOf(home), id);
        var owned = FileLock.TryTake(tree + ".lock") ?? throw new IOException($"{tree}.lock is taken.");
        try
        {
            Directory.CreateDirectory(ScratchOf(home, id));
            MakePrivate(TemporaryOf(id));
            await _git.MustAsync(MirrorOf(home), ["worktree", "add", "--quiet", "--detach", "--force", "--", tree, commit], cancellationToken, new GitCall { Fetch = true });
            if (subfolder.Length > 0 && (new ConfinedFolder(tree).Problem(subfolder) is not null || !Directory.Exists(Path.Combine(tree, subfolder))))
            {
                throw NotInBase(location, subfolder, commit);
            }

            return new WorkingCopy(_git, MirrorOf(home), tree, ScratchOf(home, id), TemporaryOf(id), subfolder, commit, location.Display, () => RemoveAsync(home, id, owned));
        }
        catch
        {
            Delete(home, id);
            owned.DisposeAndDelete();
            throw;
        }
    }

    private async Task RemoveAsync(string home, string id, FileLock owned)
    {
        // Not cancellable: leaving is what is done when everything else was cancelled.
        try
        {
            using var held = await TakeLockAsync(home, CancellationToken.None);
            Delete(home, id);
            await _git.MustAsync(MirrorOf(home), ["worktree", "prune"], CancellationToken.None);
            owned.DisposeAndDelete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or WorkspaceException)
        {
            // The result of the task stands; the folder is swept by whoever next uses this repository.
            owned.Dispose();
            LogLeftBehind(Path.Combine(CopiesOf(home), id), e);
        }
    }

    private async Task SweepAsync(string home, CancellationToken cancellationToken)
    {
        var swept = false;
        foreach (var file in Directory.EnumerateFiles(CopiesOf(home), "*.lock").ToList())
        {
            // Locks are made under the repository's lock, which we hold: one that can be taken has no owner.
            if (FileLock.TryTake(file, create: false) is not { } orphan)
                continue;

            var id = Path.GetFileNameWithoutExtension(file);
            try
            {
                Delete(home, id);
                swept = true;
                LogSwept(Path.Combine(CopiesOf(home), id));
                orphan.DisposeAndDelete();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                orphan.Dispose();
                LogLeftBehind(Path.Combine(CopiesOf(home), id), e);
            }
        }

        if (swept)
            await _git.MustAsync(MirrorOf(home), ["worktree", "prune"], cancellationToken);
    }

    [LoggerMessage(3001, LogLevel.Information, "Removed the working copy {Folder} that a dead process left behind")]
    private partial void LogSwept(string folder);

    [LoggerMessage(3002, LogLevel.Warning, "The working copy {Folder} could not be removed; the next use of its repository tries again")]
    private partial void LogLeftBehind(string folder, Exception exception);
}
