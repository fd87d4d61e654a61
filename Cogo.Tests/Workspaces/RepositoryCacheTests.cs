using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;
using Xunit;

namespace Cogo.Tests.Workspaces;

public sealed class RepositoryCacheTests : IDisposable
{
    private readonly WorkspaceFixture _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public async Task A_working_copy_holds_the_commit_and_goes_away_when_it_is_disposed()
    {
        string root;
        await using (var copy = await _workspace.CheckOutAsync())
        {
            root = copy.Root;
            Assert.Equal(_workspace.Repository.Head, copy.BaseCommit);
            Assert.Equal("one\ntwo\nthree\n", File.ReadAllText(Path.Combine(root, "hello.txt")));
            Assert.Equal(["hello.txt", "src/app.js", "sub/inner.txt"], await copy.ListFilesAsync(default));
        }

        Assert.False(Directory.Exists(root));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(root)!));
        var worktrees = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(root)!)!, "mirror.git", "worktrees");
        Assert.True(!Directory.Exists(worktrees) || !Directory.EnumerateFileSystemEntries(worktrees).Any());
    }

    [Fact]
    public async Task Every_base_that_git_can_name_is_found()
    {
        var repository = _workspace.Repository;
        var first = repository.Head;
        repository.Git("tag", "--annotate", "v1", "--message", "one");
        repository.Git("checkout", "--quiet", "-b", "feature/x");
        repository.Write("new.txt", "x");
        var second = repository.Commit("second");
        repository.Git("checkout", "--quiet", "--detach");
        repository.Write("loose.txt", "x");
        var loose = repository.Commit("on no branch");

        foreach (var (revision, commit) in new[] { ("main", first), ("v1", first), ("feature/x", second), ("HEAD", loose), ("HEAD~1", second), ("@~2", first), (loose, loose), (second[..10], second), ("refs/heads/main", first) })
        {
            await using var copy = await _workspace.CheckOutAsync(revision);
            Assert.Equal(commit, copy.BaseCommit);
        }
    }

    [Fact]
    public async Task A_commit_that_no_branch_reaches_any_more_is_still_found_by_its_id()
    {
        _workspace.Repository.Write("lost.txt", "x");
        var lost = _workspace.Repository.Commit("to be rewritten");
        _workspace.Repository.Git("reset", "--quiet", "--hard", "HEAD~1");

        await using var copy = await _workspace.CheckOutAsync(lost);

        Assert.Equal(lost, copy.BaseCommit);
    }

    [Fact]
    public async Task New_commits_and_force_pushes_are_seen_by_the_next_checkout()
    {
        await (await _workspace.CheckOutAsync()).DisposeAsync();
        _workspace.Repository.Git("commit", "--quiet", "--amend", "--message", "rewritten");
        _workspace.Repository.Git("branch", "other");

        await using var copy = await _workspace.CheckOutAsync("other");

        Assert.Equal(_workspace.Repository.Head, copy.BaseCommit);
    }

    [Fact]
    public async Task A_folder_inside_a_repository_is_the_project()
    {
        await using var copy = await _workspace.CheckOutAsync(subfolder: "sub");

        Assert.Equal("sub", copy.Subfolder);
        Assert.Equal(["inner.txt"], await copy.ListFilesAsync(default));
        File.WriteAllText(Path.Combine(copy.Project.Root, "inner.txt"), "changed\n");
        var change = await copy.TakeChangeAsync(PatchRules.Stored, default);
        Assert.Contains("--- a/inner.txt\n+++ b/inner.txt\n", WorkspaceFixture.Text(change), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_outside_the_project_folder_is_refused_not_lost()
    {
        await using var copy = await _workspace.CheckOutAsync(subfolder: "sub");
        File.WriteAllText(Path.Combine(copy.Root, "hello.txt"), "changed\n");

        var refused = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.ChangeOutsideProject, () => copy.TakeChangeAsync(PatchRules.Stored, default));

        Assert.Contains("hello.txt", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_is_not_in_the_base_is_refused()
    {
        var before = _workspace.Repository.Head;
        _workspace.Repository.Write("later/x.txt", "x");
        _workspace.Repository.Commit("second");

        await WorkspaceFixture.RefusedAsync(WorkspaceCodes.SubfolderNotInBase, () => _workspace.CheckOutAsync(before, "later"));
    }

    [Fact]
    public async Task Bare_repositories_linked_worktrees_and_shallow_clones_work()
    {
        var repository = _workspace.Repository;
        repository.Write("second.txt", "x");
        repository.Commit("second");
        GitRepository.Run(_workspace[""], "clone", "--quiet", "--bare", repository.Folder, _workspace["bare.git"]);
        GitRepository.Run(_workspace[""], "clone", "--quiet", "--depth=1", "file://" + repository.Folder, _workspace["shallow"]);
        repository.Git("worktree", "add", "--quiet", "--detach", _workspace["linked"], "HEAD~1");

        foreach (var (path, commit) in new[] { ("bare.git", repository.Head), ("shallow", repository.Head), ("linked", repository.Git("rev-parse", "HEAD~1").Trim()) })
        {
            await using var copy = await _workspace.Cache.CheckOutAsync(_workspace[path], null, default);
            Assert.Equal(commit, copy.BaseCommit);
        }

        await using var byUrl = await _workspace.Cache.CheckOutAsync("file://" + repository.Folder, "main", default);
        Assert.Equal(repository.Head, byUrl.BaseCommit);
    }

    [Fact]
    public async Task The_users_repository_is_byte_for_byte_what_it_was()
    {
        var repository = _workspace.Repository;
        var leaked = _workspace["hook-ran"];
        foreach (var hook in new[] { "post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc" })
        {
            var path = Path.Combine(repository.Folder, ".git", "hooks", hook);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, $"#!/bin/sh\ntouch '{leaked}'\n");
            GitRepository.SetMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        repository.Git("config", "core.fsmonitor", $"touch '{leaked}'");
        repository.Git("config", "filter.evil.clean", $"touch '{leaked}'; cat");
        repository.Git("config", "filter.evil.smudge", $"touch '{leaked}'; cat");
        repository.Git("config", "filter.evil.required", "true");
        repository.Write(".gitattributes", "*.txt filter=evil\n");
        repository.Git("-c", "filter.evil.clean=cat", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "add", "--all");
        repository.Git("-c", "filter.evil.clean=cat", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "attributes");
        File.SetLastWriteTimeUtc(Path.Combine(repository.Folder, "hello.txt"), DateTime.UtcNow.AddDays(-1));
        File.Delete(leaked);
        var before = repository.Fingerprint();

        await LocalRepository.EnsureCleanAsync(repository.Folder, _workspace.Options, default);
        await using (var copy = await _workspace.CheckOutAsync())
        {
            File.WriteAllText(Path.Combine(copy.Root, "hello.txt"), "changed\n");
            await copy.TakeChangeAsync(PatchRules.Stored, default);

            // What an agent might do in there: commit, tag, push.
            GitRepository.Run(copy.Root, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--all", "--message", "mine");
            GitRepository.Run(copy.Root, "tag", "mine");
            Assert.Throws<InvalidOperationException>(() => GitRepository.Run(copy.Root, "push", "--all"));
        }

        Assert.Equal(before, repository.Fingerprint());
        Assert.False(File.Exists(leaked), "a hook, a filter or the file system monitor of the repository ran");
    }

    [Fact]
    public async Task Many_working_copies_of_one_repository_do_not_disturb_each_other()
    {
        var other = _workspace.NewCache();
        var diffs = await Task.WhenAll(Enumerable.Range(0, 6).Select(async number =>
        {
            await using var copy = await (number % 2 == 0 ? _workspace.Cache : other).CheckOutAsync(_workspace.Repository.Folder, null, default);
            await File.WriteAllTextAsync(Path.Combine(copy.Root, "hello.txt"), $"number {number}\n");
            return WorkspaceFixture.Text(await copy.TakeChangeAsync(PatchRules.Stored, default));
        }));

        for (var number = 0; number < diffs.Length; number++)
            Assert.Contains($"+number {number}\n", diffs[number], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_dead_process_left_behind_is_swept_and_what_a_live_one_uses_is_not()
    {
        await using var alive = await _workspace.CheckOutAsync();
        var copies = Path.GetDirectoryName(alive.Root)!;
        var dead = Path.Combine(copies, Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path.Combine(dead, "read-only"));
        File.WriteAllText(Path.Combine(dead, "read-only", "x"), "");
        GitRepository.SetMode(Path.Combine(dead, "read-only"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Directory.CreateDirectory(dead + ".scratch");
        File.WriteAllText(dead + ".lock", "");
        var temporary = Path.Combine(Path.GetDirectoryName(alive.TemporaryFolder)!, $"cogo-{dead[^10..]}");
        Directory.CreateDirectory(temporary);
        File.WriteAllText(Path.Combine(temporary, "of-a-killed-build"), "");

        await _workspace.NewCache().SweepAsync(default);

        Assert.False(Directory.Exists(dead) || Directory.Exists(dead + ".scratch") || File.Exists(dead + ".lock") || Directory.Exists(temporary));
        Assert.True(Directory.Exists(alive.TemporaryFolder));
        Assert.True(File.Exists(Path.Combine(alive.Root, "hello.txt")));
        Assert.Empty((await alive.TakeChangeAsync(PatchRules.Stored, default)).Files);
    }

    [Fact]
    public async Task Temporary_files_go_with_the_working_copy_and_their_path_is_short_enough_for_sockets()
    {
        string temporary;
        await using (var copy = await _workspace.CheckOutAsync())
        {
            temporary = copy.TemporaryFolder;
            // As long a name as .NET's compiler server takes.
            var socket = Path.Combine(temporary, "CoreFxPipe_" + new string('p', 44));
            using var listener = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
            listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(socket));
            Assert.True(File.Exists(socket));
            Directory.CreateDirectory(Path.Combine(temporary, "read-only"));
            GitRepository.SetMode(Path.Combine(temporary, "read-only"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        Assert.False(Directory.Exists(temporary));
    }

    [Fact]
    public async Task A_lock_that_a_killed_git_left_in_the_mirror_does_not_stop_the_next_fetch()
    {
        string mirror;
        await using (var copy = await _workspace.CheckOutAsync())
            mirror = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(copy.Root)!)!, "mirror.git");
        _workspace.Repository.Write("next.txt", "x");
        var next = _workspace.Repository.Commit("next");
        File.WriteAllText(Path.Combine(mirror, "refs", "heads", "main.lock"), "");

        await using var again = await _workspace.CheckOutAsync();

        Assert.Equal(next, again.BaseCommit);
    }

    [Theory]
    [InlineData("nowhere", WorkspaceCodes.RepoNotFound)]
    [InlineData("plain", WorkspaceCodes.NotARepository)]
    [InlineData("a-file", WorkspaceCodes.NotARepository)]
    [InlineData("empty", WorkspaceCodes.EmptyRepository)]
    public async Task What_is_no_repository_with_a_commit_is_refused_by_name(string name, string code)
    {
        Directory.CreateDirectory(_workspace["plain"]);
        await File.WriteAllTextAsync(_workspace["a-file"], "");
        _ = new GitRepository(_workspace["empty"], empty: true);

        var refused = await WorkspaceFixture.RefusedAsync(code, () => _workspace.Cache.CheckOutAsync(_workspace[name], null, default));

        Assert.Contains(_workspace[name], refused.Message, StringComparison.Ordinal);
        Assert.Equal(Verdict.Invalid, refused.Verdict);
    }

    [Theory]
    [InlineData("no-such-branch")]
    [InlineData("--upload-pack=touch /tmp/x")]
    [InlineData("main:hello.txt")]
    [InlineData("0123456789012345678901234567890123456789")]
    [InlineData("refs/pull/1/head")]
    [InlineData("a\nb")]
    public async Task An_unknown_base_is_refused_with_the_branches_there_are(string revision)
    {
        _workspace.Repository.Git("branch", "topic");

        var refused = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.UnknownBase, () => _workspace.CheckOutAsync(revision));

        Assert.Contains("main", refused.Message, StringComparison.Ordinal);
        Assert.Contains("topic", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dirty_repository_is_refused_within_the_named_folder_only()
    {
        var repository = _workspace.Repository;
        await LocalRepository.EnsureCleanAsync(repository.Folder, _workspace.Options, default);
        repository.Write("sub/untracked.txt", "x");

        await LocalRepository.EnsureCleanAsync(Path.Combine(repository.Folder, "src"), _workspace.Options, default);
        var refused = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.DirtyRepository, () => LocalRepository.EnsureCleanAsync(Path.Combine(repository.Folder, "sub"), _workspace.Options, default));
        Assert.Contains("untracked.txt", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--allow-dirty", refused.Message, StringComparison.Ordinal);

        File.Delete(Path.Combine(repository.Folder, "sub/untracked.txt"));
        repository.Write("hello.txt", "uncommitted");
        await WorkspaceFixture.RefusedAsync(WorkspaceCodes.DirtyRepository, () => LocalRepository.EnsureCleanAsync(repository.Folder, _workspace.Options, default));
    }
}
