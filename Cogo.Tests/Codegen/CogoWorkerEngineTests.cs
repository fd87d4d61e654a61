using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Cogo.Workers.Codegen;
using Cogo.Workers.Codegen.Engines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.Codegen;

public class CogoWorkerEngineTests
{
    private const string Diff = "--- a/src/app.js\n+++ b/src/app.js\n@@ -1 +1 @@\n-module.exports = (a, b) => a - b;\n+module.exports = (a, b) => a + b;\n";

    [Fact]
    public async Task The_worker_is_told_task_base_and_files_and_its_diff_is_applied()
    {
        JsonElement asked = default;
        await using var server = await LocalServer.StartAsync(app => app.MapPost("/v1/change", async context =>
        {
            asked = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
            await Answer(context, new CogoWorkerAnswer { Diff = Diff, Log = "thought about it", Model = "m-1", InputTokens = 10, OutputTokens = 5, CostUsd = 0.02m });
        }));
        await using var fixture = await CodegenFixture.StartAsync(Settings(server, "/v1/change"));

        var trace = await fixture.RunAsync(Request() with { Repo = Path.Combine(fixture.Repository.Folder, "src"), Task = "Add" }, maxAttempts: 1);
        Assert.Equal("patch_does_not_apply", (await fixture.FailureAsync(trace)).Code);
        Assert.Equal(("src", "app.js"), (asked.GetProperty("subfolder").GetString(), asked.GetProperty("files").EnumerateArray().Single().GetProperty("path").GetString()));

        trace = await fixture.RunAsync(Request());
        Assert.Equal(
            ("t", trace, fixture.Repository.Head, "Repair it"),
            (Text(asked, "task_id"), Text(asked, "trace_id"), Text(asked, "base_commit"), Text(asked, "task")));
        Assert.Equal("one\ntwo\nthree\n", Text(asked.GetProperty("files").EnumerateArray().Single(file => Text(file, "path") == "hello.txt"), "content"));
        var done = await fixture.EventAsync(trace, EventTypes.CodegenDone);
        Assert.Equal(("m-1", 10, 5, 0.02m), (Text(done, "model"), done.GetProperty("input_tokens").GetInt32(), done.GetProperty("output_tokens").GetInt32(), done.GetProperty("cost_usd").GetDecimal()));
        Assert.Contains("thought about it", await fixture.ArtifactAsync("t/codegen/codegen.log"), StringComparison.Ordinal);
        Assert.Equal(0.02m, (await fixture.ArtifactAsync<CostReport>("t/codegen/cost.json")).CostUsd);
    }

    [Fact]
    public async Task Files_beyond_the_limit_and_binary_ones_are_only_named()
    {
        JsonElement asked = default;
        await using var server = await LocalServer.StartAsync(app => app.MapPost("/", async context =>
        {
            asked = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body);
            await Answer(context, new CogoWorkerAnswer { Diff = Diff });
        }));
        var settings = Settings(server, "/");
        settings["COGO_WORKER_FILES_BYTES"] = "100";
        await using var fixture = await CodegenFixture.StartAsync(settings);
        fixture.Repository.Write("a.bin", "\0\u0001");
        fixture.Repository.Write("b.txt", new string('b', 90));
        fixture.Repository.Commit("more");

        await fixture.RunAsync(Request());

        var withContent = asked.GetProperty("files").EnumerateArray().Where(file => file.TryGetProperty("content", out _)).Select(file => Text(file, "path"));
        Assert.Equal(["b.txt", "sub/inner.txt"], withContent);
        Assert.Equal(5, asked.GetProperty("files").GetArrayLength());
    }

    public static TheoryData<int, string, string, string> Refusing => new()
    {
        { 200, """{"error":"I do not know how"}""", "cogo_worker_failed", "failed" },
        { 200, "{}", "no_change", "failed" },
        { 200, "<html>", "cogo_worker_answer", "failed" },
        { 200, """{"diff":"--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n"}""", "patch_escapes", "failed" },
        { 401, "who are you", "cogo_worker_refused", "invalid" },
        { 302, "", "cogo_worker_refused", "invalid" },
    };

    [Theory]
    [MemberData(nameof(Refusing))]
    public async Task An_answer_without_a_good_diff_fails_at_once(int status, string body, string code, string verdict)
    {
        await using var server = await LocalServer.StartAsync(app => app.MapPost("/", context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "http://127.0.0.1:1/";
            return context.Response.WriteAsync(body);
        }));
        await using var fixture = await CodegenFixture.StartAsync(Settings(server, "/"));

        var trace = await fixture.RunAsync(Request(), maxAttempts: 3);

        var failure = await fixture.FailureAsync(trace);
        Assert.Equal((code, verdict), (failure.Code, failure.Verdict));
        Assert.DoesNotContain(EventTypes.CodegenRetry, await fixture.EventsAsync(trace));
    }

    [Fact]
    public async Task A_worker_that_is_overloaded_is_asked_again()
    {
        var calls = 0;
        await using var server = await LocalServer.StartAsync(app => app.MapPost("/", context =>
        {
            if (Interlocked.Increment(ref calls) > 1)
                return Answer(context, new CogoWorkerAnswer { Diff = Diff });
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "0";
            return context.Response.WriteAsync("busy");
        }));
        await using var fixture = await CodegenFixture.StartAsync(Settings(server, "/"));

        var trace = await fixture.RunAsync(Request(), maxAttempts: 3);

        Assert.Equal(2, calls);
        Assert.Contains("503", Text(await fixture.EventAsync(trace, EventTypes.CodegenRetry), "reason"), StringComparison.Ordinal);
        Assert.Contains(EventTypes.CodegenDone, await fixture.EventsAsync(trace));
    }

    [Fact]
    public async Task A_worker_that_does_not_answer_in_time_is_the_machine_s_fault()
    {
        await using var server = await LocalServer.StartAsync(app => app.MapPost("/", context => Task.Delay(Timeout.Infinite, context.RequestAborted)));
        var settings = Settings(server, "/");
        settings["COGO_WORKER_TIMEOUT_MS"] = "200";
        await using var fixture = await CodegenFixture.StartAsync(settings);

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request()));

        Assert.Equal(("retries_exhausted", "infrastructure"), (failure.Code, failure.Verdict));
        Assert.Contains("COGO_WORKER_TIMEOUT_MS", failure.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "http://127.0.0.1:9/")]
    [InlineData("false", "http://127.0.0.1:9/")]
    [InlineData("true", null)]
    public async Task Without_a_worker_configured_the_request_is_refused(string? enabled, string? url)
    {
        await using var fixture = await CodegenFixture.StartAsync(new() { ["ENABLE_COGO_WORKER"] = enabled, ["COGO_WORKER_URL"] = url });

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request(), maxAttempts: 3));

        Assert.Equal(("engine_not_configured", "invalid"), (failure.Code, failure.Verdict));
    }

    private static PipelineRequest Request() => new() { TaskId = "t", Engine = "cogo-worker", Task = "Repair it" };

    private static Dictionary<string, string?> Settings(LocalServer server, string path) => new()
    {
        ["ENABLE_COGO_WORKER"] = "true",
        ["COGO_WORKER_URL"] = new Uri(server.Address, path).AbsoluteUri,
    };

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static Task Answer(HttpContext context, CogoWorkerAnswer answer)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(answer, CogoJson.Options));
    }
}
