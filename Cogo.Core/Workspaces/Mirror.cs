using System.Text.RegularExpressions;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Workspaces;

/// <summary>
/// A bare copy of a repository that this work folder owns. It knows no remote, so that nothing done in a working
/// copy, a <c>git push</c> included, can reach the repository it came from. Its callers hold the repository's lock.
/// </summary>
internal sealed partial class Mirror(Git git, string folder)
{
    private const string Head = "refs/cogo/head";
    private const int ListedBranches = 8;

    /// <summary>Brings every branch and tag, and what HEAD points at, from the repository.</summary>
    public async Task FetchAsync(RepositoryLocation location, LocalRepository? local, CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(folder, "HEAD")))
        {
            Directory.CreateDirectory(folder);
            await git.MustAsync(folder, ["init", "--quiet", "--bare", "--template="], cancellationToken);
        }

        List<string> wanted = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+HEAD:" + Head];
        if (local is not null)
            wanted.Add("+refs/remotes/*:refs/remotes/*");

        var fetched = await FetchAsync(location, local, wanted, prune: true, cancellationToken);
        if (!fetched.Succeeded && LockLeftBehind().IsMatch(fetched.Error))
        {
            // We hold the repository's lock, so a git that still had these is dead.
            foreach (var left in Directory.EnumerateFiles(folder, "*.lock").Concat(Directory.EnumerateFiles(Path.Combine(folder, "refs"), "*.lock", SearchOption.AllDirectories)).ToList())
                File.Delete(left);
            fetched = await FetchAsync(location, local, wanted, prune: true, cancellationToken);
        }

        if (!fetched.Succeeded && fetched.Error.Contains("remote ref HEAD", StringComparison.Ordinal))
        {
            // HEAD names a branch that has no commit; the other branches may still have some.
            wanted.Remove("+HEAD:" + Head);
            await git.MustAsync(folder, ["update-ref", "-d", Head], cancellationToken);
            fetched = await FetchAsync(location, local, wanted, prune: true, cancellationToken);
        }

        if (!fetched.Succeeded)
            throw FetchFailed(location, fetched);

        var any = await git.MustAsync(folder, ["for-each-ref", "--count=1"], cancellationToken);
        if (any.Output.Count == 0)
            throw new WorkspaceException(WorkspaceCodes.EmptyRepository, $"{location.Display} has no commit yet: make one first.");
    }

    /// <summary>The full id of the commit that <paramref name="revision"/> names; HEAD when it is empty.</summary>
    public async Task<string> ResolveAsync(RepositoryLocation location, LocalRepository? local, string? revision, CancellationToken cancellationToken)
    {
        var named = string.IsNullOrWhiteSpace(revision) ? "HEAD" : revision.Trim();
        if (named.Length <= 250 && !named.StartsWith('-') && !named.Any(char.IsControl))
        {
            if (await TryResolveAsync(named, cancellationToken) is { } commit)
                return commit;

            // A commit that no branch reaches any more, or a ref of another kind (refs/pull/7/head).
            if (FullId().IsMatch(named) || PlainRef().IsMatch(named))
            {
                var kept = "refs/cogo/base/" + RepositoryLocation.Key(named);
                var fetched = await FetchAsync(location, local, [$"+{named}:{kept}"], prune: false, cancellationToken);
                if (fetched.Succeeded && await TryResolveAsync(kept, cancellationToken) is { } wanted)
                    return wanted;
            }
        }

        var branches = await git.MustAsync(folder,
            ["for-each-ref", $"--count={ListedBranches}", "--sort=-committerdate", "--format=%(refname:short)", "refs/heads"], cancellationToken);
        var known = branches.Output.Count > 0 ? $"its branches are {string.Join(", ", branches.Output)}" : "it has no branch";
        throw new WorkspaceException(WorkspaceCodes.UnknownBase, $"{location.Display} has no commit, branch or tag '{Shortened(named)}': {known}.");
    }

    /// <summary>The id of a folder of a commit; null when the commit has no such folder.</summary>
    public async Task<string?> TryTreeAsync(string commit, string subfolder, CancellationToken cancellationToken)
    {
        var parsed = await git.RunAsync(folder, ["rev-parse", "--verify", "--quiet", "--end-of-options", $"{commit}:{subfolder}"], cancellationToken);
        if (!parsed.Succeeded || !FullId().IsMatch(parsed.FirstLine))
            return null;
        var type = await git.RunAsync(folder, ["cat-file", "-t", parsed.FirstLine], cancellationToken);
        return type.FirstLine == "tree" ? parsed.FirstLine : null;
    }

    private async Task<string?> TryResolveAsync(string revision, CancellationToken cancellationToken)
    {
        var name = HeadName().Replace(revision, Head, 1);
        var parsed = await git.RunAsync(folder, ["rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}"], cancellationToken);
        return parsed.Succeeded && FullId().IsMatch(parsed.FirstLine) ? parsed.FirstLine : null;
    }

    private Task<GitResult> FetchAsync(RepositoryLocation location, LocalRepository? local, IReadOnlyList<string> wanted, bool prune, CancellationToken cancellationToken)
    {
        var call = new GitCall { Fetch = true, Remote = local is null };
        if (location.UserName is not null)
        {
            // By the environment of this one process: an argument shows in the process list, a URL in git's messages.
            call = call with
            {
                Settings = ["-c", "credential.helper=", "-c", "credential.helper=!f() { echo \"username=$COGO_GIT_USER\"; echo \"password=$COGO_GIT_PASSWORD\"; }; f"],
                Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["COGO_GIT_USER"] = location.UserName, ["COGO_GIT_PASSWORD"] = location.Password ?? "" },
            };
        }

        return git.RunAsync(folder,
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--update-head-ok", "--update-shallow", "--force",
             .. prune ? ["--prune"] : Array.Empty<string>(), "--", local?.GitFolder ?? location.Url!, .. wanted],
            cancellationToken, call);
    }

    private static WorkspaceException FetchFailed(RepositoryLocation location, GitResult fetched)
    {
        var words = RepositoryLocation.WithoutCredentials(fetched.Words);
        if (location.Password is { Length: > 0 } password)
            words = words.Replace(password, "***", StringComparison.Ordinal);

        if (!fetched.TimedOut && NoSuchRepository().IsMatch(fetched.Error))
            return new WorkspaceException(WorkspaceCodes.RepoNotFound, $"There is no repository at {location.Display}: {words}.");

        if (!fetched.TimedOut && Refused().IsMatch(fetched.Error))
        {
            return new WorkspaceException(WorkspaceCodes.CloneFailed,
                $"{location.Display} refused the worker: {words}. Give the worker access (a credential helper, an SSH key, or a token in the URL).");
        }

        return new WorkspaceException(WorkspaceCodes.CloneFailed, $"{location.Display} could not be fetched: {words}.", Verdict.Infrastructure);
    }

    private static string Shortened(string text)
    {
        var plain = new string([.. text.Select(c => char.IsControl(c) ? '?' : c)]);
        return plain.Length > 80 ? plain[..80] + "..." : plain;
    }

    [GeneratedRegex(@"\A([0-9a-f]{40}|[0-9a-f]{64})\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FullId();

    [GeneratedRegex(@"\Arefs/[A-Za-z0-9._/-]+\z", RegexOptions.None, 1000)]
    private static partial Regex PlainRef();

    [GeneratedRegex(@"\A(HEAD|@)(?=\z|[~^@])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HeadName();

    [GeneratedRegex(@"\.lock': File exists", RegexOptions.None, 1000)]
    private static partial Regex LockLeftBehind();

    [GeneratedRegex("repository .*(not found|does not exist)|does not appear to be a git repository|returned error: 404", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NoSuchRepository();

    [GeneratedRegex("Authentication failed|could not read (Username|Password)|Permission denied|Host key verification failed|returned error: (401|403)|Access denied|transport '.*' not allowed", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Refused();
}
