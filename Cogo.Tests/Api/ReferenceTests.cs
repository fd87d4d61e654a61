using System.Text.RegularExpressions;
using Xunit;

namespace Cogo.Tests.Api;

public partial class ReferenceTests(ApiHost api) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task The_document_describes_every_endpoint_with_its_answers()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Json;

        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            [
                "/api/admin/metrics/snapshot", "/api/admin/notify", "/api/admin/notify/gate", "/api/admin/notify/weekly", "/api/admin/notify/weekly/picture", "/api/admin/weekly/enqueue",
                "/api/artifacts/index", "/api/index/repositories", "/api/index/search", "/api/index/symbols/{name}", "/api/index/symbols/{name}/references", "/api/integration/status",
                "/api/metrics/decision-quality", "/api/metrics/events", "/api/metrics/gate/summary", "/api/metrics/latency",
                "/api/metrics/quality/gate/recent", "/api/metrics/summary", "/api/metrics/trace/{traceId}",
                "/api/orchestrator/execute", "/api/orchestrator/plan", "/api/orchestrator/state",
                "/api/pipeline/codeBuildTest", "/api/pipeline/execute", "/api/pipeline/indexing",
                "/api/workflows", "/api/workflows/execute", "/api/workflows/gate", "/api/workflows/templates", "/api/workflows/{id}",
                "/api/workflows/{id}/cancel", "/api/workflows/{id}/events", "/api/workflows/{id}/retry",
                "/artifacts/{path}",
            ],
            document.GetProperty("paths").EnumerateObject().Select(path => path.Name).Order(StringComparer.Ordinal));
        foreach (var operation in document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()).Where(o => o.Name != "parameters"))
        {
            Assert.False(string.IsNullOrWhiteSpace(operation.Value.GetProperty("summary").GetString()));
            Assert.False(string.IsNullOrWhiteSpace(operation.Value.GetProperty("description").GetString()));
            Assert.True(operation.Value.GetProperty("responses").EnumerateObject().Count() >= 2, operation.Value.GetProperty("operationId").GetString());
        }
    }

    [Fact]
    public async Task Names_in_the_document_are_those_of_the_wire()
    {
        var document = (await api.GetAsync("/openapi/v1.json")).Json;

        var fields = document.GetProperty("components").GetProperty("schemas").EnumerateObject()
            .Where(schema => schema.Name != "ProblemDetails" && schema.Value.TryGetProperty("properties", out _))
            .SelectMany(schema => schema.Value.GetProperty("properties").EnumerateObject())
            .Select(field => field.Name).ToList();

        Assert.Contains("trace_id", fields);
        Assert.All(fields, field => Assert.Matches("^[a-z0-9_]+$", field));
    }

    [Fact]
    public async Task The_document_tells_what_a_request_must_have()
    {
        var request = (await api.GetAsync("/openapi/v1.json")).Json.GetProperty("components").GetProperty("schemas").GetProperty("CodeBuildTestRequest");

        Assert.Equal(["engine", "repo"], request.GetProperty("required").EnumerateArray().Select(field => field.GetString()).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["patch", "command", "openai", "cogo-worker"],
            request.GetProperty("properties").GetProperty("engine").GetProperty("enum").EnumerateArray().Select(engine => engine.GetString()));
    }

    [Fact]
    public async Task The_page_comes_whole_from_here_and_may_ask_no_other_host()
    {
        var page = await api.GetAsync("/scalar");

        Assert.Equal(200, page.Status);
        var policy = page.Response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        var sources = SourcePattern().Matches(page.Text).Select(match => match.Groups["url"].Value).ToList();
        Assert.NotEmpty(sources);
        foreach (var source in sources)
        {
            Assert.StartsWith("/scalar/", source, StringComparison.Ordinal);
            var script = await api.GetAsync(source);
            Assert.Equal((200, "text/javascript"), (script.Status, script.Response.Content.Headers.ContentType?.MediaType));
            Assert.NotEmpty(script.Text);
        }
    }

    [Fact]
    public async Task The_root_leads_to_the_page()
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var http = new HttpClient(handler) { BaseAddress = api.Http.BaseAddress };

        var answer = await http.GetAsync(new Uri("/", UriKind.Relative));

        Assert.Equal("/scalar", answer.Headers.Location?.ToString());
    }

    [Fact]
    public async Task What_does_not_exist_says_where_the_rest_is() =>
        (await api.GetAsync("/api/nothing")).IsProblem(404, "not_found", "/openapi/v1.json");

    [Fact]
    public async Task A_method_that_is_not_taken_is_said() =>
        (await api.GetAsync("/api/pipeline/codeBuildTest")).IsProblem(405, "method_not_allowed", "does not take GET");

    [GeneratedRegex("(src|href)=\"(?<url>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SourcePattern();
}
