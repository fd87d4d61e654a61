using System.Text.Json;
using Cogo.Tests.Api;
using Xunit;

namespace Cogo.Tests.Workflows;

/// <summary>What callers get wrong, endpoint by endpoint: a problem that names the field, never a 500. No worker is there.</summary>
public sealed class WorkflowInputTests(ApiHost api) : IClassFixture<ApiHost>
{
    private const string NoRun = "run-0123456789abcdef0123456789abcdef";
    private const string Repo = "\"repo\":\"/srv/repo\"";
    private const string Command = "\"engine\":\"command\",\"command\":\"true\"";

    public static TheoryData<string, string, int, string, string> Posts => new()
    {
        { "/api/workflows/execute", "", 400, "bad_request", "" },
        { "/api/workflows/execute", "{", 400, "malformed_json", "" },
        { "/api/workflows/execute", "null", 400, "bad_request", "" },
        { "/api/workflows/execute", "[]", 400, "malformed_json", "" },
        { "/api/workflows/execute", "{}", 400, "invalid_request", "template" },
        { "/api/workflows/execute", $$"""{"template":"x",{{Repo}},{{Command}}}""", 400, "invalid_request", "template" },
        { "/api/workflows/execute", $$"""{"template":7,{{Repo}},{{Command}}}""", 400, "malformed_json", "template" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Command}}}""", 400, "invalid_request", "repo" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest","repo":"relative",{{Command}}}""", 400, "invalid_request", "repo" },
        { "/api/workflows/execute", """{"template":"codeBuildTest","repo":"https://user:secret@host/x.git","engine":"command","command":"true"}""", 400, "invalid_request", "repo" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}}}""", 400, "invalid_request", "engine" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},"engine":"magic"}""", 400, "invalid_request", "engine" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},"engine":"command","command":"a\u0000b"}""", 400, "invalid_request", "command" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},{{Command}},"max_repairs":21}""", 400, "invalid_request", "max_repairs" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},{{Command}},"max_repairs":-1}""", 400, "invalid_request", "max_repairs" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},{{Command}},"max_repairs":"two"}""", 400, "malformed_json", "max_repairs" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},{{Command}},"max_repairs":99999999999}""", 400, "malformed_json", "max_repairs" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},{{Command}},"task_id":"../x"}""", 400, "invalid_request", "task_id" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},{{Command}},"tenant":"a\u0000"}""", 400, "invalid_request", "tenant" },
        { "/api/workflows/execute", $$"""{"template":"codeBuildTest",{{Repo}},{{Command}},"surprise":1}""", 400, "malformed_json", "surprise" },
        { "/api/workflows/execute", $$"""{"template":"indexing",{{Repo}},{{Command}}}""", 400, "invalid_request", "engine" },
        { $"/api/workflows/{NoRun}/cancel", "", 404, "workflow_not_found", "" },
        { "/api/workflows/run-1/cancel", "", 400, "invalid_request", "id" },
        { $"/api/workflows/{NoRun}/cancel?reason=", "", 400, "invalid_request", "reason" },
        { $"/api/workflows/{NoRun}/cancel?reason=%00", "", 400, "invalid_request", "reason" },
        { $"/api/workflows/{NoRun}/retry", "", 404, "workflow_not_found", "" },
        { "/api/workflows/RUN/retry", "", 400, "invalid_request", "id" },
        { $"/api/workflows/{NoRun}/retry?from=", "", 400, "invalid_request", "from" },
        { $"/api/workflows/{NoRun}/retry?from=%00", "", 400, "invalid_request", "from" },
        { "/api/pipeline/execute", "{}", 400, "invalid_request", "pipeline" },
        { "/api/pipeline/execute", $$"""{"pipeline":"indexAndCodeBuildTest",{{Repo}},{{Command}}}""", 400, "invalid_request", "pipeline" },
        { "/api/pipeline/execute", $$"""{"pipeline":"codeBuildTest",{{Command}}}""", 400, "invalid_request", "repo" },
        { "/api/pipeline/execute", """{"pipeline":["codeBuildTest"]}""", 400, "malformed_json", "pipeline" },
        { "/api/orchestrator/plan", "{}", 400, "invalid_request", "task" },
        { "/api/orchestrator/plan", """{"task":"x"}""", 400, "invalid_request", "repo" },
        { "/api/orchestrator/plan", $$"""{{{Repo}},"task":" "}""", 400, "invalid_request", "task" },
        { "/api/orchestrator/plan", $$"""{{{Repo}},"task":"a\u0000"}""", 400, "invalid_request", "task" },
        { "/api/orchestrator/plan", $$"""{{{Repo}},"task":"x","acceptance":"y"}""", 400, "malformed_json", "acceptance" },
        { "/api/orchestrator/plan", $$"""{{{Repo}},"task":"x","acceptance":[""]}""", 400, "invalid_request", "acceptance" },
        { "/api/orchestrator/plan", $$"""{{{Repo}},"task":"x","acceptance":[null]}""", 400, "invalid_request", "acceptance" },
        { "/api/orchestrator/plan", $$"""{{{Repo}},"task":"x","planner":"magic"}""", 400, "invalid_request", "planner" },
        { "/api/orchestrator/plan", $$"""{{{Repo}},"task":"x","engine":"patch"}""", 400, "invalid_request", "patch" },
        { "/api/orchestrator/execute", "{}", 400, "invalid_request", "repo" },
        { "/api/orchestrator/execute", $$"""{"target":"nowhere",{{Repo}},{{Command}}}""", 400, "invalid_request", "target" },
        { "/api/orchestrator/execute", $$"""{"next":"a b",{{Repo}},{{Command}}}""", 400, "invalid_request", "next" },
        { "/api/orchestrator/execute", $$"""{"priority":101,{{Repo}},{{Command}}}""", 400, "invalid_request", "priority" },
        { "/api/orchestrator/execute", $$"""{"max_attempts":0,{{Repo}},{{Command}}}""", 400, "invalid_request", "max_attempts" },
        { "/api/orchestrator/execute", $$"""{"ttl_seconds":0,{{Repo}},{{Command}}}""", 400, "invalid_request", "ttl_seconds" },
        { "/api/orchestrator/execute", $$"""{"tenant":"",{{Repo}},{{Command}}}""", 400, "invalid_request", "tenant" },
        { "/api/orchestrator/execute", $$"""{"target":"code/build-test/0",{{Repo}}}""", 400, "invalid_request", "change" },
        { "/api/orchestrator/execute", """{"target":"code/build-test/0","repo":"/r","change":{"path":"../x","sha256":"y","base_commit":"z","engine":"patch"}}""", 400, "invalid_request", "change" },
        { "/api/orchestrator/execute", """{"target":"code/build-test/0","repo":"/r","change":{"path":"x"}}""", 400, "malformed_json", "" },
    };

    [Theory]
    [MemberData(nameof(Posts))]
    public async Task A_bad_post_is_answered_with_what_is_wrong(string path, string body, int status, string code, string field)
    {
        using var client = new WorkflowClient(api.Http.BaseAddress!);

        var answer = await client.PostTextAsync(path, body);

        answer.IsProblem(status, code, "");
        if (field.Length > 0)
        {
            Assert.Contains(field, answer.Json.GetProperty("errors").EnumerateObject().Select(error => error.Name));
        }

        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/workflows?limit=0", 400, "limit")]
    [InlineData("/api/workflows?limit=x", 400, "limit")]
    [InlineData("/api/workflows?limit=501", 400, "limit")]
    [InlineData("/api/workflows?status=7", 400, "status")]
    [InlineData("/api/workflows?status=perhaps", 400, "status")]
    [InlineData("/api/workflows?template=x", 400, "template")]
    [InlineData("/api/workflows?cursor=%00", 400, "cursor")]
    [InlineData("/api/workflows?cursor=run-1", 400, "cursor")]
    [InlineData("/api/workflows/gate", 400, "run_id")]
    [InlineData("/api/workflows/gate?run_id=%00", 400, "run_id")]
    [InlineData("/api/workflows/gate?run_id=" + NoRun, 404, "")]
    [InlineData("/api/workflows/x", 400, "id")]
    [InlineData("/api/workflows/" + NoRun, 404, "")]
    [InlineData("/api/workflows/x/events", 400, "id")]
    [InlineData("/api/workflows/" + NoRun + "/events", 404, "")]
    public async Task A_bad_question_is_answered_with_what_is_wrong(string path, int status, string field)
    {
        var answer = await api.GetAsync(path);

        answer.IsProblem(status, status == 404 ? "workflow_not_found" : "invalid_request", field);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("99999999999999")]
    public async Task A_last_event_that_is_no_number_is_refused(string last)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/api/workflows/{NoRun}/events", UriKind.Relative));
        request.Headers.Add("Last-Event-ID", last);

        (await Answer.OfAsync(await api.Http.SendAsync(request))).IsProblem(400, "invalid_request", "Last-Event-ID");
    }

    [Theory]
    [InlineData("/api/workflows/execute")]
    [InlineData("/api/pipeline/execute")]
    [InlineData("/api/orchestrator/execute")]
    [InlineData("/api/workflows/" + NoRun + "/cancel")]
    [InlineData("/api/workflows/" + NoRun + "/retry")]
    public async Task A_bad_key_is_refused(string path)
    {
        using var client = new WorkflowClient(api.Http.BaseAddress!);

        var named = path.Contains("workflows", StringComparison.Ordinal) ? "\"template\":\"codeBuildTest\"," : path.Contains("pipeline", StringComparison.Ordinal) ? "\"pipeline\":\"codeBuildTest\"," : "";

        var answer = await client.PostTextAsync(path, $$"""{{{named}}{{Repo}},{{Command}}}""", key: new string('k', 256));

        answer.IsProblem(400, "invalid_request", "Idempotency-Key");
    }

    [Fact]
    public async Task A_body_that_is_not_json_or_too_large_is_refused()
    {
        using var client = new WorkflowClient(api.Http.BaseAddress!);

        (await client.PostTextAsync("/api/workflows/execute", "{}", type: "text/plain")).IsProblem(415, "unsupported_media_type", "application/json");
        (await client.PostTextAsync("/api/orchestrator/plan", "{}", type: "text/plain")).IsProblem(415, "unsupported_media_type", "application/json");
    }

    [Fact]
    public async Task What_is_accepted_lies_on_the_bus_for_the_dispatcher()
    {
        using var client = new WorkflowClient(api.Http.BaseAddress!);

        var run = await client.PostAsync("/api/workflows/execute", new { template = "codeBuildTest", repo = "/srv/repo", engine = "command", command = "true", tenant = "shop" });
        var sent = await client.PostAsync("/api/orchestrator/execute", new { repo = "/srv/repo", engine = "command", command = "true", priority = 5, max_attempts = 2, ttl_seconds = 60 });
        var pass = await client.PostAsync("/api/pipeline/execute", new { pipeline = "codeBuildTest", repo = "/srv/repo", engine = "command", command = "true" });

        Assert.Equal((202, 202, 202), (run.Status, sent.Status, pass.Status));
        Assert.Equal($"/api/workflows/{run.Field("run_id")}", run.Response.Headers.Location?.ToString());
        Assert.Equal($"shop/codegen/generate/0/{run.Field("run_id")}/1", await api.Database.ScalarAsync<string>(
            "select tenant || '/' || (payload ->> 'target') || '/' || (payload -> 'reply' ->> 'token') from agent_messages where trace_id = $1 and service = 'orchestrator'", run.Field("trace_id")!));
        Assert.Equal("5/2/t/codegen/generate/0", await api.Database.ScalarAsync<string>(
            "select concat_ws('/', priority, max_attempts, expires_at > now(), payload ->> 'target') from agent_messages where id = $1", long.Parse(sent.Field("message_id")!, System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal("code/build-test/0", await api.Database.ScalarAsync<string>("select payload ->> 'next' from agent_messages where trace_id = $1", pass.Field("trace_id")!));
    }

    [Fact]
    public async Task State_counts_runs_and_says_who_works()
    {
        using var client = new WorkflowClient(api.Http.BaseAddress!);
        await client.StartAsync(new { template = "codeBuildTest", repo = "/srv/repo", engine = "command", command = "true" });

        var state = (await api.GetAsync("/api/orchestrator/state")).Json;

        Assert.True(state.GetProperty("runs").GetProperty("running").GetInt64() >= 1);
        Assert.Equal("codegen", state.GetProperty("steps")[0].GetProperty("name").GetString());
        Assert.Equal(0, state.GetProperty("routes").EnumerateArray().Sum(route => route.GetProperty("workers").GetInt32()));
        Assert.Equal("[\"codeBuildTest\"]", state.GetProperty("templates").GetRawText());
    }

    [Fact]
    public async Task Examples_of_the_document_can_be_sent()
    {
        using var client = new WorkflowClient(api.Http.BaseAddress!);
        var paths = (await api.GetAsync("/openapi/v1.json")).Json.GetProperty("paths");

        foreach (var path in new[] { "/api/workflows/execute", "/api/pipeline/execute", "/api/orchestrator/plan", "/api/orchestrator/execute" })
        {
            var operation = paths.GetProperty(path).GetProperty("post");
            var example = operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");
            var answer = await client.PostTextAsync(path, example.GetRawText());
            Assert.True(answer.Status is 200 or 202, $"{path}: {answer.Text}");
            var shown = operation.GetProperty("responses").GetProperty(answer.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)).GetProperty("content").GetProperty("application/json").GetProperty("example");
            Assert.Equal(Names(shown), Names(answer.Json));
        }
    }

    private static List<string> Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];
}
