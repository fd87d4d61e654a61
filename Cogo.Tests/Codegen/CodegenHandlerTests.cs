using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Codegen;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Cogo.Tests.Codegen;

public class CodegenHandlerTests
{
    private const string Patch = "--- a/hello.txt\n+++ b/hello.txt\n@@ -1,3 +1,3 @@\n-one\n+ONE\n two\n three\n";

    public static TheoryData<string, string> BadRequests => new()
    {
        { "malformed_request", """{"engine": 5}""" },
        { "malformed_request", "null" },
        { "invalid_request", """{"engine": "patch", "patch": "x"}""" },
        { "invalid_request", """{"repo": "/tmp", "engine": "magic"}""" },
        { "invalid_request", """{"repo": "/tmp", "engine": "patch"}""" },
        { "invalid_request", """{"repo": "/tmp", "engine": "openai"}""" },
        { "invalid_request", """{"repo": "/tmp", "engine": "command", "command": "ls", "task_id": "../up"}""" },
        { "repo_not_found", """{"repo": "/no/such/folder", "engine": "patch", "patch": "x"}""" },
        { "not_a_repository", """{"repo": "/", "engine": "patch", "patch": "x"}""" },
    };

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task A_bad_request_is_refused_with_a_sentence(string code, string payload)
    {
        await using var fixture = await CodegenFixture.StartAsync();

        var outcome = await fixture.Handler.HandleAsync(fixture.Delivery(new PipelineRequest()) with { Payload = payload }, default);

        var fail = Assert.IsType<Outcome.Fail>(outcome);
        Assert.Equal((code, Verdict.Invalid), (fail.Code, fail.Verdict));
        Assert.Matches(@"^.{20,}", fail.Reason);
    }

    [Fact]
    public async Task Uncommitted_work_is_refused_unless_the_request_allows_it()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        fixture.Repository.Write("hello.txt", "not committed\n");
        var request = new PipelineRequest { TaskId = "t", Engine = "patch", Patch = Patch };

        var refused = await fixture.FailureAsync(await fixture.RunAsync(request));
        Assert.Equal(("dirty_repository", "invalid"), (refused.Code, refused.Verdict));

        var trace = await fixture.RunAsync(request with { AllowDirty = true });
        Assert.Contains(EventTypes.CodegenDone, await fixture.EventsAsync(trace));
        Assert.Equal("not committed\n", await File.ReadAllTextAsync(Path.Combine(fixture.Repository.Folder, "hello.txt")));
    }

    [Fact]
    public async Task A_base_that_is_named_is_what_the_change_is_made_on()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        var first = fixture.Repository.Head;
        fixture.Repository.Write("hello.txt", "changed\n");
        fixture.Repository.Commit("second");

        await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "patch", Patch = Patch, Base = first[..10] });
        Assert.Equal(first, (await fixture.ArtifactAsync<Edits>("t/codegen/edits.json")).BaseCommit);

        var failure = await fixture.FailureAsync(await fixture.RunAsync(new PipelineRequest { TaskId = "u", Engine = "patch", Patch = Patch, Base = "no-such-branch" }));
        Assert.Equal("unknown_base", failure.Code);
    }

    [Fact]
    public async Task A_task_without_an_id_is_named_after_its_message()
    {
        await using var fixture = await CodegenFixture.StartAsync();

        var trace = await fixture.RunAsync(new PipelineRequest { Engine = "patch", Patch = Patch });

        var message = await fixture.Database.ScalarAsync<long>("select id from agent_messages where trace_id = $1", trace);
        Assert.Equal($"task-{message}", (await fixture.EventAsync(trace, EventTypes.CodegenDone)).GetProperty("task_id").GetString());
    }

    [Fact]
    public async Task An_attempt_that_lost_its_lease_is_ended_and_the_next_starts_anew()
    {
        await using var fixture = await CodegenFixture.StartAsync(
            bus: options => options with { LeaseDuration = TimeSpan.FromSeconds(5), HeartbeatInterval = TimeSpan.FromMilliseconds(100) });
        var go = fixture.Workspace["go"];
        var message = OutgoingMessage.Of(Route.Codegen, new PipelineRequest
        {
            TaskId = "t",
            Repo = fixture.Repository.Folder,
            Engine = "command",
            Command = $"test -e {go} || {{ echo half > half.txt; echo begun; sleep 1000; }}; echo whole > whole.txt",
            Next = Route.BuildTest.ToString(),
        });
        var trace = (await fixture.Worker.Publisher.PublishAsync(message, default)).TraceId;
        await Eventually.BecomesAsync(() => fixture.ProgressAsync(trace), text => text.Contains("begun", StringComparison.Ordinal), "the first attempt's work");
        await File.WriteAllTextAsync(go, "");

        await fixture.Database.TakeLeasesAsync();

        await Eventually.BecomesAsync(() => fixture.EventsAsync(trace), types => types.Contains(EventTypes.CodegenDone), "the second attempt's end", 60);
        Assert.Equal(["whole.txt"], (await fixture.ArtifactAsync<Edits>("t/codegen/edits.json")).Files.Select(file => file.Path));
        Assert.Equal(2, (await fixture.ArtifactAsync<CostReport>("t/codegen/cost.json")).Attempt);
        Assert.Single(await fixture.EventsAsync(trace), EventTypes.CodegenDone);
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from agent_messages where role = 'build-test'"));
        Assert.Equal(0, fixture.WorkingCopies());
    }

    [Fact]
    public async Task A_full_or_broken_artifact_store_is_tried_again()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        await File.WriteAllTextAsync(fixture.Workspace["artifacts"], "a file where the folder should be");

        var outcome = await fixture.Handler.HandleAsync(fixture.Delivery(new PipelineRequest { TaskId = "t", Engine = "patch", Patch = Patch }), default);

        Assert.Contains("task t", Assert.IsType<Outcome.Retry>(outcome).Reason, StringComparison.Ordinal);
        Assert.Equal(0, fixture.WorkingCopies());
    }

    [Fact]
    public async Task Progress_is_thinned_to_the_newest_lines_and_all_told_before_the_end()
    {
        await using var fixture = await CodegenFixture.StartAsync(add: services => services.AddSingleton(new CodegenOptions { ProgressInterval = TimeSpan.FromMinutes(1) }));

        var trace = await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "command", Command = "seq 1000; echo x > x.txt; echo last words" });

        var types = await fixture.EventsAsync(trace);
        Assert.InRange(types.Count(type => type == EventTypes.CodegenProgress), 1, 2);
        Assert.Equal(EventTypes.CodegenDone, types[^1]);
        Assert.EndsWith("last words", await fixture.ProgressAsync(trace), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rename_and_a_removed_link_have_their_hashes_too()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        File.CreateSymbolicLink(Path.Combine(fixture.Repository.Folder, "link"), "/etc/passwd");
        fixture.Repository.Commit("a link");

        await fixture.RunAsync(new PipelineRequest { TaskId = "t", Engine = "command", Command = "rm link; mv hello.txt moved.txt" });

        var files = (await fixture.ArtifactAsync<Edits>("t/codegen/edits.json")).Files;
        var link = files.Single(file => file.Path == "link");
        Assert.Equal((FileChange.Deleted, Hash("/etc/passwd"), null), (link.Kind, link.BeforeSha256, link.AfterSha256));
        var moved = files.Single(file => file.Path == "moved.txt");
        Assert.Equal((FileChange.Renamed, "hello.txt", Hash("one\ntwo\nthree\n"), Hash("one\ntwo\nthree\n")), (moved.Kind, moved.OldPath, moved.BeforeSha256, moved.AfterSha256));
    }

    [Theory]
    [InlineData("CODEGEN_TIMEOUT_SECONDS", "0")]
    [InlineData("CODEGEN_MAX_TURNS", "many")]
    [InlineData("CODEGEN_COMMAND_MEMORY_MB", "-1")]
    [InlineData("OPENAI_BASE_URL", "localhost:11434")]
    [InlineData("OPENAI_PRICE_INPUT", "cheap")]
    [InlineData("ENABLE_COGO_WORKER", "yes please")]
    [InlineData("COGO_WORKER_URL", "file:///etc/passwd")]
    [InlineData("COGO_WORKER_TIMEOUT_MS", "1.5")]
    public void A_setting_that_makes_no_sense_stops_the_start_and_is_named(string name, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [name] = value }).Build();

        var error = Assert.Throws<FormatException>(() => new ServiceCollection().AddCodegen(configuration));

        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    private static string Hash(string text) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
