using System.Text.Json;
using Xunit;

namespace Cogo.Tests.Api;

public class CodeBuildTestTests(ApiHost api) : IClassFixture<ApiHost>
{
    private const string Patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n";

    private static object Request(string? taskId = null) => new { repo = "/srv/repo", engine = "patch", patch = Patch, task_id = taskId };

    [Fact]
    public async Task A_request_is_accepted_and_lies_on_the_bus_under_its_trace()
    {
        var answer = await api.SubmitAsync(Request("fix-1"));

        Assert.Equal(202, answer.Status);
        Assert.Equal("fix-1", answer.Field("task_id"));
        var trace = answer.Field("trace_id")!;
        Assert.Equal($"/api/metrics/trace/{trace}", answer.Response.Headers.Location?.ToString());
        Assert.Equal(
            "orchestrator/execute/0 codegen/generate/0 code/build-test/0 fix-1",
            await api.Database.ScalarAsync<string>(
                "select service || '/' || role || '/' || shard || ' ' || (payload ->> 'target') || ' ' || (payload ->> 'next') || ' ' || (payload ->> 'task_id') from agent_messages where trace_id = $1", trace));
    }

    [Fact]
    public async Task A_task_without_a_name_gets_one_of_its_own()
    {
        var one = await api.SubmitAsync(Request());
        var other = await api.SubmitAsync(Request());

        Assert.Matches(@"^\d{8}-\d{6}-[0-9a-f]{8}$", one.Field("task_id"));
        Assert.NotEqual(one.Field("task_id"), other.Field("task_id"));
    }

    [Theory]
    [InlineData("""{"engine":"patch","patch":"x"}""", "repo", "repo is missing")]
    [InlineData("""{"repo":"relative/path","engine":"patch","patch":"x"}""", "repo", "write it absolute")]
    [InlineData("""{"repo":"https://user:secret@example.org/x.git","engine":"patch","patch":"x"}""", "repo", "credential helper")]
    [InlineData("""{"repo":"/r","engine":"patch"}""", "patch", "needs a unified diff")]
    [InlineData("""{"repo":"/r","engine":"openai"}""", "task", "needs to be told what to do")]
    [InlineData("""{"repo":"/r","engine":"command"}""", "command", "needs a command line")]
    [InlineData("""{"repo":"/r","engine":"magic"}""", "engine", "use one of patch, command, openai, cogo-worker")]
    [InlineData("""{"repo":"/r"}""", "engine", "engine is missing")]
    [InlineData("""{"repo":"/r","engine":"patch","patch":"x","task":"do"}""", "task", "leave it out, or choose that engine")]
    [InlineData("""{"repo":"/r","engine":"patch","patch":"x","base":"-x"}""", "base", "may not start with '-'")]
    [InlineData("""{"repo":"/r","engine":"patch","patch":"x","task_id":"../up"}""", "task_id", "start with a letter")]
    public async Task A_field_that_is_wrong_is_named_with_what_to_write(string body, string field, string words)
    {
        var answer = await api.SubmitTextAsync(body);

        answer.IsProblem(400, "invalid_request", words);
        Assert.Contains(words, answer.Json.GetProperty("errors").GetProperty(field)[0].GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_wrong_field_is_named_at_once()
    {
        var answer = await api.SubmitTextAsync("""{"engine":"patch","task_id":"-"}""");

        Assert.Equal(
            ["patch", "repo", "task_id"],
            answer.Json.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{"repo":"/r","engine":"patch","patch":"x","target":"other/route/0"}""", "'target' is not a field of this request")]
    [InlineData("""{"repo":1}""", "'repo' has the wrong type")]
    [InlineData("""{"repo":""", "'repo' is not JSON")]
    [InlineData("[]", "not a JSON object")]
    public async Task A_body_of_another_shape_is_refused_with_its_place(string body, string words)
    {
        var answer = await api.SubmitTextAsync(body);

        answer.IsProblem(400, "malformed_json", words);
        Assert.DoesNotContain("System.", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_not_json_is_refused() =>
        (await api.SubmitTextAsync("repo=/r", type: "application/x-www-form-urlencoded")).IsProblem(415, "unsupported_media_type", "application/json");

    [Fact]
    public async Task A_huge_body_is_refused_and_nothing_is_stored()
    {
        var answer = await api.SubmitAsync(new { repo = "/r", engine = "patch", patch = new string('x', 6 * 1024 * 1024), task_id = "huge" });

        answer.IsProblem(413, "body_too_large", "5 MiB");
        Assert.Equal(0, await api.Database.ScalarAsync<long>("select count(*) from agent_messages where payload ->> 'task_id' = 'huge'"));
    }

    [Fact]
    public async Task A_repeated_request_is_answered_with_the_first_receipt()
    {
        var first = await api.SubmitAsync(Request(), "key-1");
        var second = await api.SubmitAsync(Request(), "key-1");

        Assert.Equal((202, "False"), (first.Status, first.Field("duplicate")));
        Assert.Equal((202, "True"), (second.Status, second.Field("duplicate")));
        foreach (var field in new[] { "trace_id", "message_id", "task_id" })
        {
            Assert.Equal(first.Field(field), second.Field(field));
        }

        Assert.Equal(1, await api.Database.ScalarAsync<long>("select count(*) from agent_messages where idempotency_key = 'key-1'"));
    }

    [Fact]
    public async Task A_key_of_another_request_is_refused()
    {
        await api.SubmitAsync(Request("one"), "key-2");

        var answer = await api.SubmitAsync(Request("two"), "key-2");

        answer.IsProblem(422, "idempotency_key_reused", "key-2");
    }

    [Fact]
    public async Task The_example_of_the_reference_is_accepted_and_answered_as_it_shows()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Json;
        var operation = document.GetProperty("paths").GetProperty("/api/pipeline/codeBuildTest").GetProperty("post");
        var request = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");
        var shown = operation.GetProperty("responses").GetProperty("202").GetProperty("content").GetProperty("application/json").GetProperty("example");

        var answer = await api.SubmitTextAsync(request.GetRawText());

        Assert.Equal(202, answer.Status);
        Assert.Equal(Names(shown), Names(answer.Json));

        static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];
    }
}
