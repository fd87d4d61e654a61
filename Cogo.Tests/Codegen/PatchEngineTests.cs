using System.Security.Cryptography;
using System.Text;
using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Codegen;
using Xunit;

namespace Cogo.Tests.Codegen;

public class PatchEngineTests
{
    private const string Good =
        """
        --- a/src/app.js
        +++ b/src/app.js
        @@ -1 +1,2 @@
        -module.exports = (a, b) => a - b;
        +// the sum
        +module.exports = (a, b) => a + b;
        --- a/sub/inner.txt
        +++ /dev/null
        @@ -1 +0,0 @@
        -inside
        --- /dev/null
        +++ b/new/file.txt
        @@ -0,0 +1 @@
        +new

        """;

    [Fact]
    public async Task A_patch_becomes_a_stored_change_that_is_passed_on_under_the_same_trace()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        var before = fixture.Repository.Fingerprint();

        var trace = await fixture.RunAsync(
            new PipelineRequest { TaskId = "fix-1", Engine = "patch", Patch = Good, Next = "code/build-test/0", Target = "codegen/generate/0" }, maxAttempts: 3, priority: 7);

        await Eventually.BecomesTrueAsync(() => !fixture.BuildTest.Seen.IsEmpty, "the message to build/test");
        var next = fixture.BuildTest.Seen.Single();
        Assert.Equal((trace, 7, 3), (next.TraceId, next.Priority, next.MaxAttempts));
        var request = PipelineRequest.TryRead(next.Payload, out _)!;
        Assert.Equal(("fix-1", fixture.Repository.Folder, fixture.Repository.Head), (request.TaskId, request.Repo, request.Base));
        Assert.Equal((null, null, null), (request.Patch, request.Next, request.Target));
        Assert.Equal(("fix-1/codegen/change.diff", "patch", fixture.Repository.Head), (request.Change!.Path, request.Change.Engine, request.Change.BaseCommit));

        var diff = await fixture.ArtifactAsync(request.Change.Path);
        Assert.Equal(request.Change.Sha256, Hash(diff));
        await using (var copy = await fixture.Workspace.CheckOutAsync(request.Change.BaseCommit))
        {
            await copy.ApplyAsync(Encoding.UTF8.GetBytes(diff), PatchRules.Stored, default);
            Assert.Equal("// the sum\nmodule.exports = (a, b) => a + b;\n", await File.ReadAllTextAsync(copy.Project.Resolve("src/app.js")));
        }

        Assert.Equal(before, fixture.Repository.Fingerprint());
        Assert.Equal(0, fixture.WorkingCopies());
    }

    [Fact]
    public async Task Edits_name_each_file_with_its_lines_and_its_hashes_before_and_after()
    {
        await using var fixture = await CodegenFixture.StartAsync();

        var trace = await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "patch", Patch = Good });

        var edits = await fixture.ArtifactAsync<Edits>("t/codegen/edits.json");
        Assert.Equal((fixture.Repository.Head, 3, 2), (edits.BaseCommit, edits.Added, edits.Removed));
        Assert.Equal(
            [
                new FileEdit { Path = "new/file.txt", Kind = FileChange.Added, Added = 1, Removed = 0, AfterSha256 = Hash("new\n") },
                new FileEdit { Path = "src/app.js", Kind = FileChange.Modified, Added = 2, Removed = 1, BeforeSha256 = Hash("module.exports = (a, b) => a - b;\n"), AfterSha256 = Hash("// the sum\nmodule.exports = (a, b) => a + b;\n") },
                new FileEdit { Path = "sub/inner.txt", Kind = FileChange.Deleted, Added = 0, Removed = 1, BeforeSha256 = Hash("inside\n") },
            ],
            edits.Files.OrderBy(file => file.Path, StringComparer.Ordinal));

        var done = await fixture.EventAsync(trace, EventTypes.CodegenDone);
        Assert.Equal((3, 3, 2), (done.GetProperty("files").GetInt32(), done.GetProperty("added").GetInt32(), done.GetProperty("removed").GetInt32()));
        Assert.Equal(
            ["t/codegen/codegen.log", "t/codegen/cost.json", "t/codegen/edits.json", "t/codegen/change.diff"],
            done.GetProperty("artifacts").EnumerateArray().Select(path => path.GetString()!));
        Assert.Contains("Modified src/app.js +2 -1", await fixture.ArtifactAsync("t/codegen/codegen.log"), StringComparison.Ordinal);
        Assert.Equal([EventTypes.CodegenProgress, EventTypes.CodegenDone], await fixture.EventsAsync(trace));
        Assert.Empty(fixture.BuildTest.Seen);
    }

    [Fact]
    public async Task A_folder_inside_the_repository_is_changed_relative_to_itself()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        const string patch = "--- a/inner.txt\n+++ b/inner.txt\n@@ -1 +1 @@\n-inside\n+INSIDE\n";

        await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "patch", Patch = patch, Repo = Path.Combine(fixture.Repository.Folder, "sub") });

        var edits = await fixture.ArtifactAsync<Edits>("t/codegen/edits.json");
        Assert.Equal("sub", edits.Subfolder);
        Assert.Equal(("inner.txt", Hash("inside\n"), Hash("INSIDE\n")), (edits.Files.Single().Path, edits.Files.Single().BeforeSha256, edits.Files.Single().AfterSha256));
    }

    public static TheoryData<string, string, string> Bad => new()
    {
        { "patch_does_not_apply", "invalid", "--- a/hello.txt\n+++ b/hello.txt\n@@ -1 +1 @@\n-nine\n+ten\n" },
        { "patch_escapes", "invalid", "--- a/../out.txt\n+++ b/../out.txt\n@@ -1 +1 @@\n-one\n+two\n" },
        { "patch_escapes", "invalid", "--- /dev/null\n+++ b//etc/out.txt\n@@ -0,0 +1 @@\n+two\n" },
        { "patch_escapes", "invalid", "diff --git a/link b/link\nnew file mode 120000\n--- /dev/null\n+++ b/link\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n" },
        { "patch_binary", "invalid", "diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 0000000..1234567\nGIT binary patch\nliteral 3\nKcmZQzWMT#Y01f~L\n\nliteral 0\nHcmV?d00001\n\n" },
        { "patch_malformed", "invalid", "--- a/hello.txt\n+++ b/hello.txt\n@@ -1,9 +1,9 @@\n-one\n+two\n" },
        { "patch_empty", "invalid", "Dear worker, please make it work.\n" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task A_bad_patch_fails_at_once_as_the_request_s_fault(string code, string verdict, string patch)
    {
        await using var fixture = await CodegenFixture.StartAsync();

        var trace = await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "patch", Patch = patch, Next = "code/build-test/0" }, maxAttempts: 3);

        var failure = await fixture.FailureAsync(trace);
        Assert.Equal((code, verdict), (failure.Code, failure.Verdict));
        Assert.DoesNotContain(EventTypes.CodegenRetry, await fixture.EventsAsync(trace));
        Assert.Contains(failure.Reason, await fixture.ArtifactAsync("t/codegen/codegen.log"), StringComparison.Ordinal);
        Assert.Empty(fixture.BuildTest.Seen);
        Assert.Equal(0, fixture.WorkingCopies());
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
