using System.Diagnostics;
using System.Text.Json;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Workflows;

/// <summary>Runs that are cancelled, retried, replied to twice, or lose a reply.</summary>
public sealed class WorkflowSteeringTests(WorkflowSystem system) : IClassFixture<WorkflowSystem>
{
    [Fact]
    public async Task A_run_that_is_cancelled_ends_at_once_and_so_does_the_command_that_works_on_it()
    {
        var marker = $"63{Random.Shared.Next(100_000, 999_999)}";
        var id = await system.Client.StartAsync(system.Command($"echo begun; sleep {marker}"));
        await Eventually.BecomesTrueAsync(() => Sleeping(marker) == 1, "the command");

        var cancelled = await system.Client.PostAsync($"/api/workflows/{id}/cancel?reason=Not%20needed.");
        var again = await system.Client.PostAsync($"/api/workflows/{id}/cancel");

        Assert.Equal((200, "cancelled", "Not needed."), (cancelled.Status, cancelled.Field("status"), cancelled.Field("reason")));
        Assert.Equal(["codegen 1 cancelled"], WorkflowClient.Steps(cancelled.Json));
        Assert.Equal((200, "cancelled"), (again.Status, again.Field("status")));
        await Eventually.BecomesTrueAsync(() => Sleeping(marker) == 0, "the end of the command");
        await Eventually.BecomesTrueAsync(
            () => system.Database.ScalarAsync<bool>("select exists (select from bus_events where type = 'step_cancelled' and data ->> 'run_id' = $1)", id), "the worker's word");
        Assert.Equal(0, await system.Database.ScalarAsync<long>("select count(*) from bus_events where trace_id = $1 and type in ('codegen_done', 'codegen_failed', 'codegen_retry')", cancelled.Field("trace_id")!));
        var trace = (await system.Client.GetAsync($"/api/metrics/trace/{cancelled.Field("trace_id")}")).Json;
        Assert.Equal("Not needed.", trace.GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_run_goes_on_from_the_step_that_is_named()
    {
        var switchFile = Path.Combine(system.Folder, $"green-{Guid.NewGuid():N}");
        var run = await system.Client.StartToEndAsync(system.Command($"if [ -e {switchFile} ]; then git apply good.patch; else git apply bad.patch; fi", maxRepairs: 0));
        var id = run.GetProperty("run_id").GetString()!;
        Assert.Equal("failed", run.GetProperty("status").GetString());
        await File.WriteAllTextAsync(switchFile, "");

        var tested = await RetriedAsync(id, "build-test", "k1");
        var same = await system.Client.PostAsync($"/api/workflows/{id}/retry?from=build-test", key: "k1");
        var other = await system.Client.PostAsync($"/api/workflows/{id}/retry?from=codegen", key: "k1");
        var changed = await RetriedAsync(id, "codegen", "k2");
        var passed = await system.Client.PostAsync($"/api/workflows/{id}/retry");

        Assert.Equal(["codegen 1 done", "build-test 1 done failed", "build-test 2 done failed"], WorkflowClient.Steps(tested));
        Assert.Equal((200, "2"), (same.Status, same.Field("attempt")));
        other.IsProblem(422, "idempotency_key_reused", "another request");
        Assert.Equal("passed", changed.GetProperty("status").GetString());
        Assert.Equal(["codegen 3 done", "build-test 3 done passed"], WorkflowClient.Steps(changed)[3..]);
        passed.IsProblem(409, "wrong_state", "has passed");
        Assert.Equal(1, await system.Database.ScalarAsync<long>("select count(distinct trace_id) from bus_events where data ->> 'run_id' = $1", id));
    }

    [Fact]
    public async Task A_run_that_was_cancelled_before_it_had_a_change_cannot_be_tested_but_can_start_over()
    {
        var go = Path.Combine(system.Folder, $"go-{Guid.NewGuid():N}");
        var id = await system.Client.StartAsync(system.Command($"until [ -e {go} ]; do sleep 0.05; done; git apply good.patch"));
        var early = await system.Client.PostAsync($"/api/workflows/{id}/retry");
        await system.Client.PostAsync($"/api/workflows/{id}/cancel");

        var untested = await system.Client.PostAsync($"/api/workflows/{id}/retry?from=build-test");
        var noStep = await system.Client.PostAsync($"/api/workflows/{id}/retry?from=indexing");
        await File.WriteAllTextAsync(go, "");
        var run = await RetriedAsync(id, null, null);

        early.IsProblem(409, "wrong_state", "has not ended");
        untested.IsProblem(409, "wrong_state", "retry from codegen");
        noStep.IsProblem(409, "wrong_state", "codeBuildTest has no step 'indexing'");
        Assert.Equal("passed", run.GetProperty("status").GetString());
        Assert.Equal(["codegen 1 cancelled", "codegen 2 done", "build-test 2 done passed"], WorkflowClient.Steps(run));
    }

    [Fact]
    public async Task A_reply_that_comes_twice_or_late_changes_nothing()
    {
        var run = await system.Client.StartToEndAsync(system.Command("git apply good.patch"));
        var id = run.GetProperty("run_id").GetString()!;
        var before = run.GetRawText();

        await PublishAsync("""{"token":"RUN/1","outcome":"done","data":{}}""", id);
        await PublishAsync("""{"token":"RUN/2","outcome":"failed","code":"x","reason":"y","verdict":"failed"}""", id);
        await PublishAsync("""{"token":"RUN/99","outcome":"failed"}""", id);
        await PublishAsync("""{"token":"run-00000000000000000000000000000000/1","outcome":"failed"}""", id);
        var last = await PublishAsync("""{"token":"RUN/1"}""", id);
        await Eventually.BecomesTrueAsync(() => HandledAsync(last), "the last message");

        Assert.Equal(before, (await system.Client.ShowAsync(id)).GetRawText());
    }

    [Theory]
    [InlineData("""{"token":"nonsense","outcome":"done"}""")]
    [InlineData("""{"token":"RUN/1","outcome":"perhaps"}""")]
    [InlineData("""[1]""")]
    public async Task A_message_that_is_not_about_a_step_is_refused(string payload)
    {
        var id = await PublishAsync(payload, "run-00000000000000000000000000000000");

        await Eventually.BecomesTrueAsync(
            () => system.Database.ScalarAsync<bool>("select exists (select from dead_letters where message_id = $1 and code = 'malformed_request')", id), "the refusal");
    }

    [Fact]
    public async Task A_step_whose_reply_was_lost_among_the_dead_letters_is_found_by_a_reminder()
    {
        var go = Path.Combine(system.Folder, $"go-{Guid.NewGuid():N}");
        var id = await system.Client.StartAsync(system.Command($"until [ -e {go} ]; do sleep 0.05; done; git apply good.patch"));
        var run = await system.Client.ShowAsync(id);
        await system.Database.ExecuteAsync(
            """
            insert into dead_letters (message_id, service, role, shard, payload, trace_id, priority, attempt, max_attempts, code, reason, message_created_at)
            values (0, 'workflow', 'run', '0', $1::jsonb, $2, 0, 100, 100, 'retries_exhausted', 'The worker was killed every time.', now())
            """,
            JsonSerializer.Serialize(new { token = $"{id}/1", outcome = "failed", code = "command_failed", reason = "It did not work.", verdict = "failed" }),
            run.GetProperty("trace_id").GetString()!);

        await PublishAsync("""{"token":"RUN/1"}""", id);
        var ended = await system.Client.EndAsync(id);
        await File.WriteAllTextAsync(go, "");

        Assert.Equal(("failed", "command_failed"), (ended.GetProperty("status").GetString(), ended.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_reminder_about_a_step_that_runs_comes_again_later()
    {
        var id = await system.Client.StartAsync(system.Command("sleep 600"));
        var last = await PublishAsync("""{"token":"RUN/1"}""", id);
        await Eventually.BecomesTrueAsync(() => HandledAsync(last), "the reminder");

        Assert.Equal(2, await system.Database.ScalarAsync<long>(
            "select count(*) from agent_messages where service = 'workflow' and role = 'run' and not_before > now() and payload ->> 'token' = $1", $"{id}/1"));
        await system.Client.PostAsync($"/api/workflows/{id}/cancel");
    }

    [Fact]
    public async Task Indexing_runs_before_codegen_and_alone()
    {
        var templates = (await system.Client.GetAsync("/api/workflows/templates")).Json.GetProperty("templates");
        var run = await system.Client.StartToEndAsync(system.Command("git apply good.patch", template: "indexAndCodeBuildTest"));
        var alone = await system.Client.StartToEndAsync(new { template = "indexing", repo = system.Repository.Folder });

        Assert.All(templates.EnumerateArray(), template => Assert.True(template.GetProperty("available").GetBoolean()));
        Assert.Equal("passed", run.GetProperty("status").GetString());
        Assert.Equal(["indexing 1 done", "codegen 1 done", "build-test 1 done passed"], WorkflowClient.Steps(run));
        Assert.Equal("passed", alone.GetProperty("status").GetString());
        Assert.False(alone.TryGetProperty("gate", out _));
        Assert.Equal(1, await system.Database.ScalarAsync<long>("select count(*) from code_repositories where commit_id = $1", system.Repository.Head));
    }

    private async Task<JsonElement> RetriedAsync(string id, string? from, string? key)
    {
        var answer = await system.Client.PostAsync($"/api/workflows/{id}/retry{(from is null ? "" : $"?from={from}")}", key: key);
        Assert.True(answer.Status == 200 && answer.Field("status") == "running", answer.Text);
        return await system.Client.EndAsync(id);
    }

    private async Task<long> PublishAsync(string payload, string runId) => (await system.Database.ScalarAsync<long>(
        "insert into agent_messages (service, role, payload) values ('workflow', 'run', $1::jsonb) returning id", payload.Replace("RUN", runId, StringComparison.Ordinal)))!;

    private Task<bool> HandledAsync(long message) => system.Database.ScalarAsync<bool>("select exists (select from bus_acks where $1 = any (ids))", message);

    private static int Sleeping(string marker)
    {
        var found = 0;
        foreach (var process in Process.GetProcessesByName("sleep"))
        {
            using (process)
            {
                found += File.Exists($"/proc/{process.Id}/cmdline") && File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(marker, StringComparison.Ordinal) ? 1 : 0;
            }
        }

        return found;
    }
}
