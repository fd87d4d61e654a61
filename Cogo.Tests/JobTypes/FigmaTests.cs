using System.Text.Json;
using Cogo.Core.Jobs;
using Cogo.Tests.Codegen;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.JobTypes;

/// <summary>Figma jobs against a server that answers as the REST API does, errors included.</summary>
public sealed class FigmaTests(FigmaTests.Api api) : IClassFixture<FigmaTests.Api>
{
    private const string Token = "figd_sesame-open-4711";

    private readonly JobTypeFixture _jobs = api.Jobs;

    [Fact]
    public async Task A_file_becomes_an_artifact_and_its_pages_the_result()
    {
        var job = _jobs.Job("figma.file", new { file_key = "Design1", ids = new[] { "1-2" }, depth = 2 });

        var result = JobTypeFixture.Result(await _jobs.RunAsync(job));

        Assert.Equal("Shop", result.GetProperty("name").GetString());
        Assert.Equal("42", result.GetProperty("version").GetString());
        Assert.Equal(["0:1 Page 1"], result.GetProperty("pages").EnumerateArray().Select(page => $"{page.GetProperty("id")} {page.GetProperty("name")}"));
        var stored = await job.ArtifactJsonAsync("figma-file.json");
        Assert.Equal("?ids=1%3A2&depth=2", stored.GetProperty("asked").GetString());
    }

    [Fact]
    public async Task Images_are_rendered_downloaded_and_stored_without_the_token_leaving_the_api()
    {
        var job = _jobs.Job("figma.image", new { file_key = "Design1", ids = new[] { "1:2", "1-3", "I1:2;3:4" }, format = "svg", scale = 2 });

        var result = JobTypeFixture.Result(await _jobs.RunAsync(job));

        Assert.Equal(["1:2", "1:3", "I1:2;3:4"], result.GetProperty("images").EnumerateArray().Select(image => image.GetProperty("id").GetString()));
        Assert.Equal("image of 1:3 as svg at 2, token none", await job.ArtifactTextAsync("figma-1-3.svg"));
        Assert.Equal(["figma-1-2.svg", "figma-1-3.svg", "figma-I1-2_3-4.svg"], job.ArtifactNames.Order(StringComparer.Ordinal));
        Assert.Equal("1.00 3 of 3 images", job.Progress[^1]);
    }

    [Fact]
    public async Task A_node_that_cannot_be_rendered_is_named() =>
        Assert.Contains("could not render 9:9 of the file Design1", JobTypeFixture.Failed("figma_render_failed", await _jobs.RunAsync("figma.image", new { file_key = "Design1", ids = new[] { "1:2", "9:9" } })).Reason, StringComparison.Ordinal);

    [Fact]
    public async Task A_download_that_fails_is_retried() =>
        Assert.Contains("answered 403 for the image of 7:7", Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("figma.image", new { file_key = "Design1", ids = new[] { "7:7", "1:2" } })).Reason, StringComparison.Ordinal);

    [Theory]
    [InlineData("Missing", "figma_not_found", "Figma knows no file Missing. It said: Not found.")]
    [InlineData("Forbidden", "figma_forbidden", "It said: Invalid token [redacted]. Check that FIGMA_API_TOKEN")]
    [InlineData("Bad", "figma_refused", "It said: Invalid parameter.")]
    [InlineData("Moved", "figma_redirected", "FIGMA_API_BASE")]
    public async Task An_error_of_the_api_is_a_clear_sentence(string key, string code, string sentence)
    {
        var failed = JobTypeFixture.Failed(code, await _jobs.RunAsync("figma.file", new { file_key = key }));

        Assert.Contains(sentence, failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_rate_limit_is_waited_for_and_a_broken_answer_tried_again()
    {
        Assert.Equal(TimeSpan.FromSeconds(33), Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("figma.file", new { file_key = "Limited" })).After);
        Assert.Contains("answered 502", Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("figma.file", new { file_key = "Gateway" })).Reason, StringComparison.Ordinal);
        Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("figma.file", new { file_key = "Html" }));
    }

    [Fact]
    public async Task Without_a_token_the_job_says_which_setting_is_missing()
    {
        await using var jobs = await JobTypeFixture.StartAsync();

        JobTypeFixture.Failed("figma_token_missing", await jobs.RunAsync("figma.file", new { file_key = "Design1" }));
    }

    [Theory]
    [InlineData("figma.file", """{"file_key": "../../me"}""", "file_key is not")]
    [InlineData("figma.file", """{"file_key": "Design1", "depth": 0}""", "depth is not")]
    [InlineData("figma.image", """{"file_key": "Design1", "ids": []}""", "ids holds 0 node ids")]
    [InlineData("figma.image", """{"file_key": "Design1", "ids": ["1:2&x=1"]}""", "not a node id")]
    [InlineData("figma.image", """{"file_key": "Design1", "ids": ["1:2"], "format": "gif"}""", "format is not")]
    [InlineData("figma.image", """{"file_key": "Design1", "ids": ["1:2"], "scale": 5}""", "scale is not")]
    public async Task A_payload_that_cannot_be_used_is_refused_with_the_reason(string type, string payload, string reason) =>
        Assert.Contains(reason, JobTypeFixture.Failed("invalid_payload", await _jobs.RunAsync(type, JsonSerializer.Deserialize<JsonElement>(payload))).Reason, StringComparison.Ordinal);

    public sealed class Api : IAsyncLifetime
    {
        private LocalServer _server = null!;

        internal JobTypeFixture Jobs { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _server = await LocalServer.StartAsync(Map);
            Jobs = await JobTypeFixture.StartAsync(("FIGMA_API_TOKEN", Token), ("FIGMA_API_BASE", _server.Address.AbsoluteUri));
        }

        public async ValueTask DisposeAsync()
        {
            await Jobs.DisposeAsync();
            await _server.DisposeAsync();
        }

        private static void Map(WebApplication app)
        {
            app.MapGet("/v1/files/{key}", (HttpContext context, string key) => context.Request.Headers["X-Figma-Token"] != Token ? Error(403, "Invalid token") : key switch
            {
                "Design1" => Results.Content(
                    $$$"""
                    {"name":"Shop","version":"42","lastModified":"2026-01-02T03:04:05Z","editorType":"figma","asked":"{{{context.Request.QueryString}}}",
                     "document":{"id":"0:0","name":"Document","type":"DOCUMENT","children":[{"id":"0:1","name":"Page 1","type":"CANVAS","children":[{"id":"1:2"}]}]}}
                    """,
                    "application/json"),
                "Forbidden" => Error(403, $"Invalid token {Token}"),
                "Bad" => Results.Content("""{"error":true,"status":400,"message":"Invalid parameter."}""", "application/json", statusCode: 400),
                "Moved" => Results.Redirect("/elsewhere"),
                "Limited" => Limited(context),
                "Gateway" => Results.Content("<h1>Bad gateway</h1>", "text/html", statusCode: 502),
                "Html" => Results.Content("<h1>Hello</h1>", "text/html"),
                _ => Error(404, "Not found"),
            });
            app.MapGet("/v1/images/{key}", (HttpContext context, string ids, string format, string? scale) => Results.Json(new Dictionary<string, object?>
            {
                ["err"] = null,
                ["images"] = ids.Split(',').ToDictionary(id => id, id => id == "9:9" ? null : $"http://{context.Request.Host}/storage/{Uri.EscapeDataString(id)}?format={format}&scale={scale}"),
            }));
            app.MapGet("/storage/{id}", (HttpContext context, string id, string format, string? scale) => id == "7:7"
                ? Results.Text("<Error>expired</Error>", statusCode: 403)
                : Results.Text($"image of {id} as {format} at {scale}, token {(context.Request.Headers.ContainsKey("X-Figma-Token") ? "seen" : "none")}"));
        }

        private static IResult Limited(HttpContext context)
        {
            context.Response.Headers.RetryAfter = "33";
            return Error(429, "Rate limit exceeded");
        }

        private static IResult Error(int status, string text) => Results.Json(new { status, err = text }, statusCode: status);
    }
}
