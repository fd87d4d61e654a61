using Cogo.Core.Workspaces;
using Xunit;

namespace Cogo.Tests.Workspaces;

public sealed class PatchTests : IDisposable
{
    private const string Good = "--- a/hello.txt\n+++ b/hello.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n";

    private readonly WorkspaceFixture _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData(Good)]
    [InlineData("diff --git hello.txt hello.txt\n--- hello.txt\n+++ hello.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n")]
    [InlineData("From: someone\nSubject: a mailed patch\n\n---\n hello.txt | 2 +-\n\ndiff --git a/hello.txt b/hello.txt\n--- a/hello.txt\n+++ b/hello.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n-- \n2.39\n")]
    [InlineData("--- a/hello.txt\t2020-01-01 00:00:00\n+++ b/hello.txt\t2020-01-01 00:00:01\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three")]
    public async Task A_good_patch_applies(string patch)
    {
        await using var copy = await _workspace.CheckOutAsync();

        await copy.ApplyAsync(WorkspaceFixture.Bytes(patch), PatchRules.Submitted, default);

        Assert.Equal("one\nzwei\nthree\n", File.ReadAllText(Path.Combine(copy.Root, "hello.txt")));
        var file = Assert.Single((await copy.TakeChangeAsync(PatchRules.Stored, default)).Files);
        Assert.Equal(("hello.txt", FileChange.Modified, 1, 1), (file.Path, file.Change, file.LinesAdded, file.LinesRemoved));
    }

    [Fact]
    public async Task What_a_working_copy_yields_applies_to_another_and_yields_the_same()
    {
        byte[] image = [0, 1, 2, 255, 254, 0, 10, 13, 10, 0];
        _workspace.Repository.Write("gone.txt", "bye\n");
        _workspace.Repository.Write("moved from.txt", string.Join('\n', Enumerable.Range(0, 40)));
        _workspace.Repository.Write(".gitignore", "*.log\n");
        _workspace.Repository.Commit("more");
        await using var one = await _workspace.CheckOutAsync();
        string Full(string path) => Path.Combine(one.Root, path);
        File.Delete(Full("gone.txt"));
        File.Move(Full("moved from.txt"), Full("moved to \u00e4.txt"));
        File.WriteAllText(Full("--- a odd.txt"), "--- a/hello.txt\n+++ b/../evil\n@@ -1 +1 @@\ndiff --git a/x b/x\n");
        File.WriteAllText(Full("crlf.txt"), "a\r\nb\r\n");
        File.WriteAllBytes(Full("latin1.txt"), [0x66, 0xe4, 0x0a]);
        File.WriteAllBytes(Full("image.bin"), image);
        File.WriteAllText(Full("ignored.log"), "not part of it");
        File.WriteAllText(Full("empty"), "");
        File.WriteAllText(Full("run.sh"), "#!/bin/sh\n");
        GitRepository.SetMode(Full("run.sh"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(Full("hello.txt"), "one\ntwo");
        GitRepository.Run(one.Root, "add", "hello.txt");
        GitRepository.Run(one.Root, "commit", "--quiet", "--message", "committed by the agent");

        var change = await one.TakeChangeAsync(PatchRules.Stored, default);
        await using var two = await _workspace.CheckOutAsync();
        await two.ApplyAsync(change.Diff, PatchRules.Stored, default);
        var again = await two.TakeChangeAsync(PatchRules.Stored, default);

        Assert.True(change.Diff.Span.SequenceEqual(again.Diff.Span));
        Assert.Equal(image, File.ReadAllBytes(Path.Combine(two.Root, "image.bin")));
        Assert.Equal("a\r\nb\r\n", File.ReadAllText(Path.Combine(two.Root, "crlf.txt")));
        Assert.Equal(new byte[] { 0x66, 0xe4, 0x0a }, File.ReadAllBytes(Path.Combine(two.Root, "latin1.txt")));
        Assert.Equal(
            ["--- a odd.txt Added", "crlf.txt Added", "empty Added", "gone.txt Deleted", "hello.txt Modified", "image.bin Added", "latin1.txt Added", "moved to \u00e4.txt Renamed", "run.sh Added"],
            change.Files.Select(file => $"{file.Path} {file.Change}").Order(StringComparer.Ordinal));
        Assert.Equal("moved from.txt", change.Files.Single(file => file.Change == FileChange.Renamed).OldPath);
    }

    [Fact]
    public async Task A_file_that_a_patch_adds_is_part_of_the_change_even_if_git_ignores_it()
    {
        _workspace.Repository.Write(".gitignore", "*.log\n");
        _workspace.Repository.Commit("ignore");
        await using var copy = await _workspace.CheckOutAsync();

        await copy.ApplyAsync(WorkspaceFixture.Bytes("--- /dev/null\n+++ b/wanted.log\n@@ -0,0 +1 @@\n+x\n"), PatchRules.Submitted, default);

        Assert.Equal("wanted.log", Assert.Single((await copy.TakeChangeAsync(PatchRules.Stored, default)).Files).Path);
    }

    [Fact]
    public async Task In_a_project_folder_paths_are_relative_to_it()
    {
        await using var copy = await _workspace.CheckOutAsync(subfolder: "sub");

        await copy.ApplyAsync(WorkspaceFixture.Bytes("--- a/inner.txt\n+++ b/inner.txt\n@@ -1 +1 @@\n-inside\n+changed\n"), PatchRules.Submitted, default);
        Assert.Equal("changed\n", File.ReadAllText(Path.Combine(copy.Root, "sub", "inner.txt")));

        var refused = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.PatchDoesNotApply,
            () => copy.ApplyAsync(WorkspaceFixture.Bytes("--- a/sub/inner.txt\n+++ b/sub/inner.txt\n@@ -1 +1 @@\n-inside\n+changed\n"), PatchRules.Submitted, default));
        Assert.Contains("--relative", refused.Message, StringComparison.Ordinal);
        await WorkspaceFixture.RefusedAsync(WorkspaceCodes.PatchEscapes,
            () => copy.ApplyAsync(WorkspaceFixture.Bytes(Good.Replace("/hello.txt", "/../hello.txt", StringComparison.Ordinal)), PatchRules.Submitted, default));
    }

    public static TheoryData<string, string> Refused { get; } = new()
    {
        { WorkspaceCodes.PatchEmpty, "" },
        { WorkspaceCodes.PatchEmpty, " \n\n" },
        { WorkspaceCodes.PatchEmpty, "please fix the bug\n" },
        { WorkspaceCodes.PatchMalformed, "@@ -1 +1 @@\n-a\n+b\n" },
        { WorkspaceCodes.PatchMalformed, "--- a/hello.txt\n+++ b/hello.txt\n@@ -1,3 +1,3 @@\n one\n-two\n" },
        { WorkspaceCodes.PatchMalformed, "--- a/hello.txt\n+++ b/hello.txt\n@@ -1,x +1 @@\n one\n" },
        { WorkspaceCodes.PatchMalformed, "--- a/hello.txt\n+++ b/hello.txt\n@@ -1,2 +1,2 @@\n one\ntwo\n" },
        { WorkspaceCodes.PatchMalformed, "--- a/hello.txt\n+++ b/other.txt\n@@ -1 +1 @@\n-one\n+uno\n" },
        { WorkspaceCodes.PatchMalformed, Good.Replace("hello.txt\n", "hello.txt\r\n", StringComparison.Ordinal) },
        { WorkspaceCodes.PatchDoesNotApply, Good.Replace("-two", "-deux", StringComparison.Ordinal) },
        { WorkspaceCodes.PatchDoesNotApply, Good.Replace("hello.txt", "missing.txt", StringComparison.Ordinal) },
        { WorkspaceCodes.PatchDoesNotApply, "--- /dev/null\n+++ b/hello.txt\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchBinary, "diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n" },
        { WorkspaceCodes.PatchBinary, "diff --git a/x.bin b/x.bin\nindex 0000000..1111111 100644\nBinary files a/x.bin and b/x.bin differ\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/../evil\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/src/../../evil\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b//tmp/evil\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ /tmp/evil\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/C:/evil\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ \"b/\\056\\056/evil\"\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ \"b/src\\\\..\\\\evil\"\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ \"b/a\\nb\"\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/.git/hooks/pre-commit\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/.GiT/config\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/src/.git\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/.git. /config\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/GIT~1/config\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/.git::$INDEX_ALLOCATION/config\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ \"b/.g\\342\\200\\214it/config\"\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "diff --git a/link b/link\nnew file mode 120000\nindex 0000000..1111111\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n" },
        { WorkspaceCodes.PatchEscapes, "diff --git a/hello.txt b/hello.txt\nold mode 100644\nnew mode 120000\n" },
        { WorkspaceCodes.PatchEscapes, "diff --git a/mod b/mod\nnew file mode 160000\nindex 0000000..1111111\n--- /dev/null\n+++ b/mod\n@@ -0,0 +1 @@\n+Subproject commit 1111111111111111111111111111111111111111\n" },
        { WorkspaceCodes.PatchEscapes, "diff --git a/hello.txt b/../evil\nsimilarity index 100%\nrename from hello.txt\nrename to ../evil\n" },
        { WorkspaceCodes.PatchEscapes, "diff --git a/hello.txt b/.git/x\nsimilarity index 100%\ncopy from hello.txt\ncopy to .git/x\n" },
        { WorkspaceCodes.PatchEscapes, "diff --git a/../../x b/y\nsimilarity index 100%\ncopy from ../../x\ncopy to y\n" },
        { WorkspaceCodes.PatchEscapes, "--- /dev/null\n+++ b/outside/evil\n@@ -0,0 +1 @@\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "--- a/linked.txt\n+++ b/linked.txt\n@@ -1 +1 @@\n-secret\n+x\n" },
        { WorkspaceCodes.PatchEscapes, "diff --git a/linked.txt b/copy.txt\nsimilarity index 100%\ncopy from linked.txt\ncopy to copy.txt\n" },
        { WorkspaceCodes.PatchEscapes, Good + "diff --git a/../evil b/../evil\nnew file mode 100644\n" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_bad_patch_is_refused_and_nothing_is_written(string code, string patch)
    {
        Directory.CreateDirectory(_workspace["elsewhere"]);
        File.WriteAllText(_workspace["secret.txt"], "secret\n");
        File.CreateSymbolicLink(Path.Combine(_workspace.Repository.Folder, "outside"), _workspace["elsewhere"]);
        File.CreateSymbolicLink(Path.Combine(_workspace.Repository.Folder, "linked.txt"), _workspace["secret.txt"]);
        _workspace.Repository.Commit("links");
        await using var copy = await _workspace.CheckOutAsync();

        var refused = await WorkspaceFixture.RefusedAsync(code, () => copy.ApplyAsync(WorkspaceFixture.Bytes(patch), PatchRules.Submitted, default));

        Assert.EndsWith(".", refused.Message.TrimEnd(')'), StringComparison.Ordinal);
        Assert.DoesNotContain(copy.ScratchFolder, refused.Message, StringComparison.Ordinal);
        Assert.Empty((await copy.TakeChangeAsync(PatchRules.Stored, default)).Files);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_workspace["elsewhere"]));
        Assert.Equal("secret\n", File.ReadAllText(_workspace["secret.txt"]));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_workspace["work"], "evil", SearchOption.AllDirectories), _ => true);
    }

    [Fact]
    public async Task What_does_not_apply_is_told_in_gits_own_words_with_file_and_line()
    {
        await using var copy = await _workspace.CheckOutAsync();

        var refused = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.PatchDoesNotApply,
            () => copy.ApplyAsync(WorkspaceFixture.Bytes(Good.Replace("-two", "-deux", StringComparison.Ordinal)), PatchRules.Submitted, default));

        Assert.Contains("patch failed: hello.txt:1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_huge_patch_is_refused_before_it_is_read()
    {
        await using var copy = await _workspace.CheckOutAsync();

        var refused = await WorkspaceFixture.RefusedAsync(WorkspaceCodes.PatchTooLarge,
            () => copy.ApplyAsync(new byte[PatchRules.Submitted.MaxBytes + 1], PatchRules.Submitted, default));

        Assert.Contains("split it", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_or_a_nested_repository_that_an_agent_made_is_no_valid_change()
    {
        await using (var copy = await _workspace.CheckOutAsync())
        {
            File.CreateSymbolicLink(Path.Combine(copy.Root, "link"), "/etc/passwd");
            await WorkspaceFixture.RefusedAsync(WorkspaceCodes.PatchEscapes, () => copy.TakeChangeAsync(PatchRules.Stored, default));
        }

        await using (var copy = await _workspace.CheckOutAsync())
        {
            _ = new GitRepository(Path.Combine(copy.Root, "nested"));
            await WorkspaceFixture.RefusedAsync(WorkspaceCodes.PatchEscapes, () => copy.TakeChangeAsync(PatchRules.Stored, default));
        }
    }

    [Fact]
    public async Task An_agent_that_replaces_the_git_file_of_its_copy_gains_nothing()
    {
        await using var copy = await _workspace.CheckOutAsync();
        File.Delete(Path.Combine(copy.Root, ".git"));
        GitRepository.Run(copy.Root, "init", "--quiet");
        GitRepository.Run(copy.Root, "config", "core.fsmonitor", "false; touch fsmonitor-ran");
        File.WriteAllText(Path.Combine(copy.Root, "hello.txt"), "changed\n");

        var change = await copy.TakeChangeAsync(PatchRules.Stored, default);

        Assert.Equal("hello.txt", Assert.Single(change.Files).Path);
    }
}
