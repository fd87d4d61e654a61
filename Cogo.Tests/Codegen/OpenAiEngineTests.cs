using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Codegen;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Cogo.Tests.Codegen;

public class OpenAiEngineTests
{
    private static readonly OpenAiReply Repair = OpenAiReply.Calls(("replace_in_file", new { path = "src/app.js", old = "a - b", @new = "a + b" }));
    private static readonly OpenAiReply Finish = OpenAiReply.Calls(("finish", new { summary = "It adds now." }));

    [Fact]
    public async Task The_model_reads_edits_and_finishes_and_what_it_used_is_told()
    {
        await using var server = await OpenAiServer.StartAsync(
            OpenAiReply.RawCalls([("list_files", ""), ("read_file", """{"path":"src/app.js"}""")], text: "I look first.\nThen I edit."),
            Repair,
            Finish);
        var settings = server.Settings;
        settings["OPENAI_PRICE_INPUT"] = "2.5";
        settings["OPENAI_PRICE_OUTPUT"] = "10";
        await using var fixture = await CodegenFixture.StartAsync(settings);

        var trace = await fixture.RunAsync(Request() with { Next = "code/build-test/0" });

        Assert.Contains("+module.exports = (a, b) => a + b;", await fixture.ArtifactAsync("t/codegen/change.diff"), StringComparison.Ordinal);
        var done = await fixture.EventAsync(trace, EventTypes.CodegenDone);
        Assert.Equal((OpenAiServer.Model, 3000, 300), (done.GetProperty("model").GetString(), done.GetProperty("input_tokens").GetInt32(), done.GetProperty("output_tokens").GetInt32()));
        var cost = await fixture.ArtifactAsync<CostReport>("t/codegen/cost.json");
        Assert.Equal((3, 0.0105m), (cost.Turns, cost.CostUsd));
        await Eventually.BecomesTrueAsync(() => !fixture.BuildTest.Seen.IsEmpty, "the message to build/test");
        Assert.Equal(OpenAiServer.Model, PipelineRequest.TryRead(fixture.BuildTest.Seen.Single().Payload, out _)!.Change!.Model);

        var log = await fixture.ArtifactAsync("t/codegen/codegen.log");
        Assert.Contains("model: I look first.", log, StringComparison.Ordinal);
        Assert.Contains("replace_in_file src/app.js", log, StringComparison.Ordinal);
        Assert.Contains("finish It adds now.", await fixture.ProgressAsync(trace), StringComparison.Ordinal);
        Assert.DoesNotContain(OpenAiServer.Key, log, StringComparison.Ordinal);

        var messages = server.Requests[^1].GetProperty("messages").EnumerateArray().ToList();
        Assert.Contains("Make it add", messages[1].GetRawText(), StringComparison.Ordinal);
        Assert.Contains(messages, message => message.GetProperty("role").GetString() == "tool" && message.GetRawText().Contains("1\\tmodule.exports", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_model_that_just_stops_talking_after_its_edits_is_done_too()
    {
        await using var server = await OpenAiServer.StartAsync(Repair, OpenAiReply.Text("Done."));
        await using var fixture = await CodegenFixture.StartAsync(server.Settings);

        var trace = await fixture.RunAsync(Request());

        Assert.Contains(EventTypes.CodegenDone, await fixture.EventsAsync(trace));
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Calls_that_all_carry_index_zero_are_told_apart_by_their_ids()
    {
        await using var server = await OpenAiServer.StartAsync(
            OpenAiReply.RawCalls([("write_file", """{"path":"a.txt","content":"a\n"}"""), ("write_file", """{"path":"b.txt","content":"b\n"}""")], everyIndexZero: true),
            Finish);
        await using var fixture = await CodegenFixture.StartAsync(server.Settings);

        await fixture.RunAsync(Request());

        Assert.Equal(["a.txt", "b.txt"], (await fixture.ArtifactAsync<Edits>("t/codegen/edits.json")).Files.Select(file => file.Path));
    }

    [Fact]
    public async Task Arguments_that_are_not_JSON_are_told_to_the_model_which_may_try_again()
    {
        await using var server = await OpenAiServer.StartAsync(OpenAiReply.RawCalls([("write_file", """{"path":"a.txt","con""")]), Repair, Finish);
        await using var fixture = await CodegenFixture.StartAsync(server.Settings);

        var trace = await fixture.RunAsync(Request());

        Assert.Contains(EventTypes.CodegenDone, await fixture.EventsAsync(trace));
        Assert.Contains("not JSON", server.Requests[1].GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_says_no_change_is_needed_is_reminded_once_and_then_quoted()
    {
        await using var server = await OpenAiServer.StartAsync(OpenAiReply.Text("It looks fine to me."));
        await using var fixture = await CodegenFixture.StartAsync(server.Settings);

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request(), maxAttempts: 3));

        Assert.Equal(("no_change", "failed"), (failure.Code, failure.Verdict));
        Assert.Contains("It looks fine to me.", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(2, server.Requests.Count);
    }

    public static TheoryData<string> Passing => ["429", "503", "disconnect", "truncated", "silence", "html"];

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task A_passing_fault_repeats_the_turn_within_the_attempt(string fault)
    {
        await using var server = await OpenAiServer.StartAsync(Repair, Reply(fault, retryAfter: "0"), Finish);
        await using var fixture = await CodegenFixture.StartAsync(add: services => services.AddSingleton(Options(server) with { Silence = TimeSpan.FromSeconds(1) }));

        var trace = await fixture.RunAsync(Request(), maxAttempts: 1);

        Assert.Contains(EventTypes.CodegenDone, await fixture.EventsAsync(trace));
        Assert.Equal(3, server.Requests.Count);
        Assert.Equal(server.Requests[1].GetRawText(), server.Requests[2].GetRawText());
        Assert.Contains("asking again", await fixture.ArtifactAsync("t/codegen/codegen.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_Retry_After_hands_the_task_back_for_that_time()
    {
        await using var server = await OpenAiServer.StartAsync(OpenAiReply.Fault(429, "Rate limit reached", "requests", "rate_limit_exceeded", retryAfter: "1800"));
        await using var fixture = await CodegenFixture.StartAsync(server.Settings);

        var outcome = await fixture.Handler.HandleAsync(fixture.Delivery(Request()), default);

        var retry = Assert.IsType<Cogo.Core.Bus.Outcome.Retry>(outcome);
        Assert.Equal(TimeSpan.FromMinutes(30), retry.After);
        Assert.Contains("Rate limit reached", retry.Reason, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_fault_that_stays_is_the_machine_s_once_the_attempts_are_used_up()
    {
        await using var server = await OpenAiServer.StartAsync(OpenAiReply.Fault(500, "The server had an error"));
        await using var fixture = await CodegenFixture.StartAsync(add: services => services.AddSingleton(Options(server) with { MaxRetries = 2 }));

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request(), maxAttempts: 1));

        Assert.Equal(("retries_exhausted", "infrastructure"), (failure.Code, failure.Verdict));
        Assert.Contains("The server had an error", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(3, server.Requests.Count);
    }

    public static TheoryData<string, string, string, string> Final => new()
    {
        { "key", "openai_unauthorized", "invalid", "OPENAI_API_KEY" },
        { "model", "openai_not_found", "invalid", "OPENAI_MODEL" },
        { "quota", "openai_quota", "invalid", "credit" },
        { "context", "openai_context", "failed", "smaller task" },
        { "400", "openai_refused", "invalid", "take tools" },
        { "filter", "openai_content_filter", "failed", "other words" },
    };

    [Theory]
    [MemberData(nameof(Final))]
    public async Task A_final_fault_fails_at_once_and_says_what_to_set(string fault, string code, string verdict, string says)
    {
        await using var server = await OpenAiServer.StartAsync(Reply(fault));
        var settings = server.Settings;
        if (fault == "key")
            settings["OPENAI_API_KEY"] = "sk-wrong-9876543210";
        if (fault == "model")
            settings["OPENAI_MODEL"] = "no-such-model";
        await using var fixture = await CodegenFixture.StartAsync(settings);

        var trace = await fixture.RunAsync(Request(), maxAttempts: 3);

        var failure = await fixture.FailureAsync(trace);
        Assert.Equal((code, verdict), (failure.Code, failure.Verdict));
        Assert.Contains(says, failure.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-wrong-9876543210", failure.Reason + await fixture.ArtifactAsync("t/codegen/codegen.log"), StringComparison.Ordinal);
        Assert.Single(server.Requests);
        Assert.DoesNotContain(EventTypes.CodegenRetry, await fixture.EventsAsync(trace));
    }

    [Theory]
    [InlineData("CODEGEN_MAX_TURNS", "4", "turn_limit", 4)]
    [InlineData("CODEGEN_MAX_TOKENS", "3000", "token_limit", 3)]
    public async Task A_model_that_never_finishes_meets_its_limit(string setting, string value, string code, int turns)
    {
        await using var server = await OpenAiServer.StartAsync(OpenAiReply.Calls(("list_files", new { })));
        var settings = server.Settings;
        settings[setting] = value;
        await using var fixture = await CodegenFixture.StartAsync(settings);

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request(), maxAttempts: 3));

        Assert.Equal((code, "failed"), (failure.Code, failure.Verdict));
        Assert.Contains(setting, failure.Reason, StringComparison.Ordinal);
        Assert.Equal(turns, server.Requests.Count);
        Assert.Equal(turns, (await fixture.ArtifactAsync<CostReport>("t/codegen/cost.json")).Turns);
    }

    [Fact]
    public async Task An_endpoint_that_does_not_count_tokens_still_meets_the_limit_and_reports_none()
    {
        await using var server = await OpenAiServer.StartAsync(OpenAiReply.Text(new string('x', 400), finish: "length", usage: false));
        var settings = server.Settings;
        settings["CODEGEN_MAX_TOKENS"] = "1500";
        await using var fixture = await CodegenFixture.StartAsync(settings);

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request()));

        Assert.Equal("token_limit", failure.Code);
        Assert.Null((await fixture.ArtifactAsync<CostReport>("t/codegen/cost.json")).InputTokens);
    }

    [Fact]
    public async Task A_model_that_takes_too_long_meets_the_time_limit()
    {
        await using var server = await OpenAiServer.StartAsync(OpenAiReply.Silence());
        await using var fixture = await CodegenFixture.StartAsync(
            server.Settings, services => services.AddSingleton(new CodegenOptions { Timeout = TimeSpan.FromSeconds(1) }));

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request(), maxAttempts: 3));

        Assert.Equal(("engine_timeout", "failed"), (failure.Code, failure.Verdict));
    }

    [Theory]
    [InlineData(null, null, "some-model", "OPENAI_API_KEY")]
    [InlineData("sk-x", "http://127.0.0.1:9/v1", null, "OPENAI_MODEL")]
    public async Task Without_an_endpoint_configured_the_request_is_refused(string? key, string? url, string? model, string says)
    {
        await using var fixture = await CodegenFixture.StartAsync(new() { ["OPENAI_API_KEY"] = key, ["OPENAI_BASE_URL"] = url, ["OPENAI_MODEL"] = model });

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request(), maxAttempts: 3));

        Assert.Equal(("engine_not_configured", "invalid"), (failure.Code, failure.Verdict));
        Assert.Contains(says, failure.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_that_is_not_there_is_the_machine_s_fault()
    {
        var settings = new Dictionary<string, string?> { ["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1", ["OPENAI_MODEL"] = "m", ["OPENAI_MAX_RETRIES"] = "0" };
        await using var fixture = await CodegenFixture.StartAsync(settings);

        var failure = await fixture.FailureAsync(await fixture.RunAsync(Request()));

        Assert.Equal(("retries_exhausted", "infrastructure"), (failure.Code, failure.Verdict));
        Assert.Contains("OPENAI_BASE_URL", failure.Reason, StringComparison.Ordinal);
    }

    private static PipelineRequest Request() => new() { TaskId = "t", Engine = "openai", Task = "Make it add" };

    private static OpenAiEngineOptions Options(OpenAiServer server) => new()
    {
        ApiKey = OpenAiServer.Key,
        BaseUrl = server.BaseUrl,
        Model = OpenAiServer.Model,
        RetryBaseDelay = TimeSpan.FromMilliseconds(10),
    };

    private static OpenAiReply Reply(string fault, string? retryAfter = null) => fault switch
    {
        "429" => OpenAiReply.Fault(429, "Rate limit reached", "requests", "rate_limit_exceeded", retryAfter),
        "503" => OpenAiReply.Fault(503, "Overloaded"),
        "disconnect" => OpenAiReply.Disconnect(),
        "truncated" => OpenAiReply.Truncated(),
        "silence" => OpenAiReply.Silence(),
        "html" => OpenAiReply.Html(),
        "quota" => OpenAiReply.Fault(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
        "context" => OpenAiReply.Fault(400, "This model's maximum context length is 8192 tokens.", "invalid_request_error", "context_length_exceeded"),
        "400" => OpenAiReply.Fault(400, "test-model does not support tools", "invalid_request_error"),
        "filter" => OpenAiReply.Text("I", finish: "content_filter"),
        _ => OpenAiReply.Text("unused"),
    };
}
