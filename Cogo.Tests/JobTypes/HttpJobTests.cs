using System.Net;
using System.Text;
using System.Text.Json;
using Cogo.Core.Jobs;
using Cogo.Tests.Codegen;
using Cogo.Workers.Jobs.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.JobTypes;

public sealed class HttpJobTests(HttpJobTests.Site site) : IClassFixture<HttpJobTests.Site>
{
    private const string Authorization = "Bearer sesame-open-4711";

    private readonly JobTypeFixture _jobs = site.Jobs;

    [Fact]
    public async Task A_small_text_is_in_the_result()
    {
        var job = _jobs.Job("http.get", new { url = At("hello?key=hunter22") });

        var result = JobTypeFixture.Result(await _jobs.RunAsync(job));

        Assert.Equal(200, result.GetProperty("status").GetInt32());
        Assert.Equal("hello", result.GetProperty("body").GetString());
        Assert.Equal(At("hello"), result.GetProperty("url").GetString());
        Assert.Empty(job.ArtifactNames);
    }

    [Fact]
    public async Task A_large_or_binary_body_and_one_asked_for_become_an_artifact()
    {
        var large = _jobs.Job("http.get", new { url = At("bytes/300000") });
        var result = JobTypeFixture.Result(await _jobs.RunAsync(large));
        Assert.Equal($"job-{large.Id}/response", result.GetProperty("artifact").GetString());
        Assert.False(result.TryGetProperty("body", out _));
        Assert.Equal(300_000, (await large.ArtifactAsync("response")).Length);

        var asked = _jobs.Job("http.get", new { url = At("json"), store_response = true });
        JobTypeFixture.Result(await _jobs.RunAsync(asked));
        Assert.Equal("""{"a":1}""", await asked.ArtifactTextAsync("response.json"));
    }

    [Theory]
    [InlineData("bytes/3000")]
    [InlineData("chunked/3000")]
    [InlineData("gzip/3000")]
    public async Task A_body_over_the_limit_ends_the_job(string path) =>
        JobTypeFixture.Failed("response_too_large", await _jobs.RunAsync("http.get", new { url = At(path), max_response_bytes = 2999 }));

    [Fact]
    public async Task A_post_sends_json_with_headers_and_one_key_for_all_attempts()
    {
        var job = _jobs.Job("http.post", new { url = At("echo"), body = new { a = 1 }, headers = new { Accept = "text/html" } });

        var first = JobTypeFixture.Result(await _jobs.RunAsync(job)).GetProperty("body").GetString();
        var second = JobTypeFixture.Result(await _jobs.RunAsync(job)).GetProperty("body").GetString();

        Assert.Equal(first, second);
        Assert.Contains("POST {\"a\":1}", first, StringComparison.Ordinal);
        Assert.Contains("Content-Type: application/json", first, StringComparison.Ordinal);
        Assert.Contains("Accept: text/html", first, StringComparison.Ordinal);
        Assert.Contains($"Idempotency-Key: {job.TraceId}-{job.Id}", first, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_has_the_method_of_its_payload_and_text_is_sent_as_it_is()
    {
        var body = JobTypeFixture.Result(await _jobs.RunAsync("http.request", new { url = At("echo"), method = "put", body = "plain" })).GetProperty("body").GetString();

        Assert.Contains("PUT plain", body, StringComparison.Ordinal);
        Assert.Contains("Content-Type: text/plain", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("500", null)]
    [InlineData("503", 7)]
    [InlineData("429", 7)]
    [InlineData("408", null)]
    public async Task A_status_that_may_pass_is_retried_when_the_server_says(string status, int? after)
    {
        var retry = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("http.get", new { url = At($"status/{status}?after={after}") }));

        Assert.Equal(after is { } seconds ? TimeSpan.FromSeconds(seconds) : null, retry.After);
        Assert.Contains($"answered {status}", retry.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_until_a_date_is_kept_and_an_absurd_one_is_cut()
    {
        var date = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("http.get", new { url = At("status/503?date=" + Uri.EscapeDataString(TimeProvider.System.GetUtcNow().AddMinutes(10).ToString("R"))) }));
        Assert.InRange(date.After!.Value, TimeSpan.FromMinutes(8), TimeSpan.FromMinutes(10));

        var absurd = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("http.get", new { url = At("status/503?after=999999999") }));
        Assert.Equal(TimeSpan.FromDays(1), absurd.After);
    }

    [Fact]
    public async Task Another_status_fails_unless_it_was_expected()
    {
        var failed = JobTypeFixture.Failed("unexpected_status", await _jobs.RunAsync("http.get", new { url = At("status/404") }));
        Assert.Contains("answered 404 Not Found: said 404", failed.Reason, StringComparison.Ordinal);

        JobTypeFixture.Result(await _jobs.RunAsync("http.get", new { url = At("status/404"), expect_status = 404 }));
        JobTypeFixture.Failed("unexpected_status", await _jobs.RunAsync("http.get", new { url = At("hello"), expect_status = new[] { 201, 204 } }));
    }

    [Fact]
    public async Task A_server_that_does_not_answer_or_is_not_there_is_retried()
    {
        var slow = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("http.get", new { url = At("slow"), timeout_ms = 300 }));
        Assert.Contains("after 0.3 s", slow.Reason, StringComparison.Ordinal);

        Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("http.get", new { url = At("cut") }));
        Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("http.get", new { url = "http://does-not-exist.invalid/" }));
    }

    [Fact]
    public async Task Cancellation_reaches_a_request_under_way()
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _jobs.RunAsync(_jobs.Job("http.get", new { url = At("slow") }), cancel.Token));
    }

    [Fact]
    public async Task Redirects_are_followed_up_to_their_number()
    {
        var result = JobTypeFixture.Result(await _jobs.RunAsync("http.get", new { url = At("hop/3") }));
        Assert.Equal(4, result.GetProperty("redirects").GetInt32());
        Assert.Equal("hello", result.GetProperty("body").GetString());

        JobTypeFixture.Failed("too_many_redirects", await _jobs.RunAsync("http.get", new { url = At("hop/3"), max_redirects = 3 }));
        JobTypeFixture.Failed("redirect_refused", await _jobs.RunAsync("http.get", new { url = At("to?url=file:///etc/passwd") }));
    }

    [Fact]
    public async Task A_redirect_after_a_post_is_a_get_and_307_keeps_the_post()
    {
        var found = JobTypeFixture.Result(await _jobs.RunAsync("http.post", new { url = At("to?url=/echo"), body = "text" })).GetProperty("body").GetString();
        Assert.StartsWith("GET \n", found, StringComparison.Ordinal);

        var kept = JobTypeFixture.Result(await _jobs.RunAsync("http.post", new { url = At("to?status=307&url=/echo"), body = "text" })).GetProperty("body").GetString();
        Assert.StartsWith("POST text\n", kept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_origin_does_not_see_what_identifies_the_sender()
    {
        var other = new UriBuilder(At("echo")) { Host = "localhost" }.Uri.AbsoluteUri;
        var headers = new { Authorization, Accept = "text/plain" };

        var body = JobTypeFixture.Result(await _jobs.RunAsync("http.get", new { url = At("to?url=" + other), headers })).GetProperty("body").GetString();

        Assert.Contains("Accept: text/plain", body, StringComparison.Ordinal);
        Assert.DoesNotContain("Authorization", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_that_the_server_echoes_is_not_repeated()
    {
        var headers = new { Authorization };

        var body = JobTypeFixture.Result(await _jobs.RunAsync("http.get", new { url = At("echo"), headers })).GetProperty("body").GetString();
        var failed = JobTypeFixture.Failed("unexpected_status", await _jobs.RunAsync("http.get", new { url = At("echo"), headers, expect_status = 201 }));

        Assert.Contains("Authorization: [redacted]", body, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", body + failed.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/")]
    [InlineData("http://localhost:1/")]
    [InlineData("http://[::1]:1/")]
    [InlineData("http://[::ffff:127.0.0.1]:1/")]
    [InlineData("http://2130706433:1/")]
    [InlineData("http://0x7f.1:1/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://10.0.0.1/")]
    public async Task An_address_off_the_public_internet_is_refused(string url)
    {
        var refused = JobTypeFixture.Failed("address_refused", await site.Guarded.RunAsync("http.get", new { url }));

        Assert.Contains("HTTP_JOB_ALLOW_PRIVATE", refused.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("64:ff9b::8.8.8.8", true)]
    [InlineData("64:ff9b::10.0.0.1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("::", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("100.100.100.200", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.0", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("ff02::1", false)]
    public void Public_addresses_are_told_from_others(string address, bool expected) =>
        Assert.Equal(expected, NetworkAddress.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("http.get", """{"url": "ftp://example.org/"}""", "url is not an absolute")]
    [InlineData("http.get", """{"url": "http://ann:secret1@example.org/"}""", "user name or password")]
    [InlineData("http.get", """{"url": "http://example.org/", "method": "POST"}""", "method is for http.request")]
    [InlineData("http.get", """{"url": "http://example.org/", "body": "x"}""", "body cannot be sent")]
    [InlineData("http.get", """{"url": "http://example.org/", "headers": {"Host": "x"}}""", "the header Host")]
    [InlineData("http.get", """{"url": "http://example.org/", "headers": {"X-A": "a\r\nX-B: b"}}""", "characters that a header cannot have")]
    [InlineData("http.get", """{"url": "http://example.org/", "expect_status": "200"}""", "expect_status is not")]
    [InlineData("http.get", """{"url": "http://example.org/", "timeout_ms": 0}""", "timeout_ms is not")]
    [InlineData("http.get", """{"url": "http://example.org/", "timeout_ms": "secret1"}""", "timeout_ms has the wrong type")]
    [InlineData("http.request", """{"url": "http://example.org/", "method": "CONNECT"}""", "method is not")]
    [InlineData("http.request", """[]""", "not a JSON object")]
    public async Task A_payload_that_cannot_be_used_is_refused_with_the_reason(string type, string payload, string reason)
    {
        var failed = JobTypeFixture.Failed("invalid_payload", await _jobs.RunAsync(type, JsonSerializer.Deserialize<JsonElement>(payload)));

        Assert.Contains(reason, failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("secret1", failed.Reason, StringComparison.Ordinal);
    }

    private string At(string path) => new Uri(site.Address, path).AbsoluteUri;

    /// <summary>A server, a worker that may reach it, and one that may not.</summary>
    public sealed class Site : IAsyncLifetime
    {
        private LocalServer _server = null!;

        public Uri Address => _server.Address;

        internal JobTypeFixture Jobs { get; private set; } = null!;

        internal JobTypeFixture Guarded { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _server = await LocalServer.StartAsync(Map);
            Jobs = await JobTypeFixture.StartAsync(("HTTP_JOB_ALLOW_PRIVATE", "true"));
            Guarded = await JobTypeFixture.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Guarded.DisposeAsync();
            await Jobs.DisposeAsync();
            await _server.DisposeAsync();
        }

        private static void Map(WebApplication app)
        {
            app.MapGet("/hello", () => "hello");
            app.MapGet("/json", () => Results.Content("""{"a":1}""", "application/json"));
            app.MapGet("/bytes/{count}", (int count) => Results.Bytes(new byte[count]));
            app.MapGet("/chunked/{count}", (int count) => Results.Stream(async stream => await stream.WriteAsync(new byte[count])));
            app.MapGet("/gzip/{count}", (HttpContext context, int count) =>
            {
                context.Response.Headers.ContentEncoding = "gzip";
                return Results.Stream(async stream =>
                {
                    await using var gzip = new System.IO.Compression.GZipStream(stream, System.IO.Compression.CompressionLevel.Fastest);
                    await gzip.WriteAsync(new byte[count]);
                });
            });
            app.Map("/echo", async (HttpContext context) =>
            {
                using var reader = new StreamReader(context.Request.Body);
                var text = new StringBuilder($"{context.Request.Method} {await reader.ReadToEndAsync()}\n");
                foreach (var (name, value) in context.Request.Headers)
                    text.Append($"{name}: {value}\n");
                return text.ToString();
            });
            app.MapGet("/status/{status}", (HttpContext context, int status, string? after, string? date) =>
            {
                if ((after ?? date) is { Length: > 0 } wait)
                    context.Response.Headers.RetryAfter = wait;
                return Results.Text($"said {status}", statusCode: status);
            });
            app.MapGet("/slow", async (CancellationToken cancelled) => await Task.Delay(TimeSpan.FromMinutes(5), cancelled));
            app.MapGet("/cut", async (HttpContext context) =>
            {
                context.Response.ContentLength = 100;
                await context.Response.WriteAsync("half");
                await context.Response.Body.FlushAsync();
                context.Abort();
            });
            app.MapGet("/hop/{left}", (int left) => Results.Redirect(left == 0 ? "/hello" : $"/hop/{left - 1}"));
            app.Map("/to", (HttpContext context, string url, int status = 302) =>
            {
                context.Response.StatusCode = status;
                context.Response.Headers.Location = url;
            });
        }
    }
}
