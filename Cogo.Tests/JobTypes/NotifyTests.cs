using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Cogo.Core.Jobs;
using Cogo.Tests.Codegen;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Notifications;
using Cogo.Workers.Jobs.Notify;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.JobTypes;

/// <summary>Notifications against servers that answer as the real ones do, and every byte that reaches them.</summary>
public sealed class NotifyTests : IAsyncLifetime
{
    private const string Token = "ghp_sesame4711open";
    private const string Password = "pg-sesame-8812";
    private const string Signing = "hmac-sesame-5590";

    private readonly ConcurrentQueue<Sent> _sent = new();
    private readonly ConcurrentQueue<(int Status, string? RetryAfter)> _refusals = new();
    private readonly List<(int Number, string Title, string Body)> _issues = [];
    private LocalServer _server = null!;

    private sealed record Sent(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
    {
        public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

        /// <summary>All that left, but for the place where the secret belongs.</summary>
        public string Everything(string without) => string.Join('\n', Headers.Where(header => header.Key != without).Select(header => header.Value).Append(Encoding.UTF8.GetString(Body)));
    }

    public async ValueTask InitializeAsync() => _server = await LocalServer.StartAsync(app =>
    {
        app.Use(async (context, next) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            _sent.Enqueue(new Sent(
                context.Request.Method, context.Request.Path + context.Request.QueryString,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()));
            if (_refusals.TryDequeue(out var refusal))
            {
                context.Response.StatusCode = refusal.Status;
                context.Response.Headers.RetryAfter = refusal.RetryAfter;
                return;
            }

            context.Items["body"] = body.ToArray();
            await next(context);
        });
        app.MapPost("/hook/{secret}", () => "ok");
        app.MapGet("/repos/acme/shop/issues", (int page, int per_page) => Results.Json(
            _issues.Skip((page - 1) * per_page).Take(per_page).Select(issue => new { number = issue.Number, title = issue.Title, body = issue.Body })));
        app.MapPost("/repos/acme/shop/issues", (HttpContext context) =>
        {
            var issue = JsonSerializer.Deserialize<JsonElement>((byte[])context.Items["body"]!);
            Assert.Equal("cogo", issue.GetProperty("labels")[0].GetString());
            _issues.Add((_issues.Count + 1, issue.GetProperty("title").GetString()!, issue.GetProperty("body").GetString()!));
            return Results.Json(new { number = _issues.Count }, statusCode: 201);
        });
        app.MapPatch("/repos/acme/shop/issues/{number:int}", (int number, HttpContext context) =>
        {
            var body = JsonSerializer.Deserialize<JsonElement>((byte[])context.Items["body"]!).GetProperty("body").GetString()!;
            _issues[number - 1] = _issues[number - 1] with { Body = body };
            return Results.Json(new { number });
        });
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task One_issue_is_kept_for_a_subject_whatever_page_it_is_on()
    {
        for (var i = 1; i <= 130; i++)
        {
            _issues.Add((i, $"Other {i}", "x"));
        }

        await using var jobs = await GitHubAsync();
        var first = JobTypeFixture.Result(await jobs.RunAsync("notify.webhook", new { subject = "Gate failed", text = "one" }));
        var second = JobTypeFixture.Result(await jobs.RunAsync("notify.webhook", new { subject = "Gate failed", text = "two" }));

        Assert.Equal("""{"kind":"github","issue":131,"opened":true}""", first.GetRawText());
        Assert.Equal("""{"kind":"github","issue":131,"opened":false}""", second.GetRawText());
        Assert.Equal((131, "Gate failed", "two"), _issues[^1]);
        Assert.All(_sent, sent => Assert.Equal($"Bearer {Token}", sent.Headers["Authorization"]));
    }

    [Fact]
    public async Task No_secret_leaves_in_what_is_told()
    {
        var text = $"The log says: token {Token}, Password={Password}; and {_server.Address}hook/sesame-chat is the address.";
        foreach (var kind in new[] { "github", "slack", "googlechat", "http" })
        {
            await using var jobs = await StartAsync(kind);
            JobTypeFixture.Result(await jobs.RunAsync("notify.webhook", new { subject = $"About {Token}", text }));
        }

        Assert.Equal(["GET", "POST", "POST", "POST", "POST"], _sent.Select(sent => sent.Method));
        foreach (var sent in _sent)
        {
            var everything = sent.Everything(without: "Authorization");
            Assert.All(new[] { Token, Password, Signing, "sesame" }, secret => Assert.DoesNotContain(secret, everything, StringComparison.Ordinal));
        }

        Assert.Contains("[redacted]", Encoding.UTF8.GetString(_sent.Last().Body), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("slack", """{"text":"*Weekly*\nall green"}""")]
    [InlineData("googlechat", """{"text":"*Weekly*\nall green"}""")]
    public async Task Chats_get_the_one_field_they_know(string kind, string body)
    {
        await using var jobs = await StartAsync(kind);

        Assert.Equal($$"""{"kind":"{{kind}}"}""", JobTypeFixture.Result(await jobs.RunAsync("notify.webhook", new { subject = "Weekly", text = "all green" })).GetRawText());

        var sent = Assert.Single(_sent);
        Assert.Equal((body, "application/json; charset=utf-8"), (Encoding.UTF8.GetString(sent.Body), sent.Headers["Content-Type"]));
        Assert.DoesNotContain(WebhookClient.SignatureHeader, sent.Headers.Keys);
    }

    [Fact]
    public async Task An_http_receiver_can_check_who_sent_it_and_whether_it_is_new()
    {
        await using var jobs = await StartAsync("http");
        var job = jobs.Job("notify.webhook", new { subject = "Weekly", text = "all green" });
        await jobs.RunAsync(job);
        await jobs.RunAsync(job);

        var sent = _sent.ToList();
        Assert.Equal(2, sent.Count);
        Assert.Single(sent.Select(one => one.Headers["Idempotency-Key"]).Distinct());
        Assert.Equal(job.TraceId, sent[0].Json.GetProperty("trace_id").GetString());
        var signature = sent[0].Headers[WebhookClient.SignatureHeader];
        var at = long.Parse(signature.Split(',')[0][2..], System.Globalization.CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{at}."), .. sent[0].Body];
        Assert.Equal(
            Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(Signing), signed)), signature.Split(",v1=")[1]);
    }

    [Theory]
    [InlineData("github")]
    [InlineData("slack")]
    [InlineData("googlechat")]
    [InlineData("http")]
    public async Task The_picture_of_a_week_goes_along_as_far_as_the_receiver_can_show_it(string kind)
    {
        await using var jobs = await StartAsync(kind, ("COGO_PUBLIC_URL", "https://cogo.example/base/"));
        var job = jobs.Job("notify.webhook", new { subject = "Week", text = "all green", week = Pictures.Week() with { Title = $"Week <b> {Token}" } });
        JobTypeFixture.Result(await jobs.RunAsync(job));

        var svg = await job.ArtifactTextAsync("week.svg");
        Assert.Contains("Week &lt;b&gt; [redacted]", svg, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, svg, StringComparison.Ordinal);
        var sent = _sent.Last().Json;
        var link = $"https://cogo.example/base/artifacts/job-{job.Id}/week.svg";
        if (kind == "http")
        {
            var picture = sent.GetProperty("picture");
            Assert.Equal((link, "image/svg+xml", svg), (picture.GetProperty("url").GetString(), picture.GetProperty("content_type").GetString(), picture.GetProperty("svg").GetString()));
        }
        else
        {
            Assert.EndsWith(
                kind == "github" ? $"all green\n\n![Picture of the week]({link})" : $"*Week*\nall green\n<{link}|Picture of the week>",
                sent.GetProperty(kind == "github" ? "body" : "text").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_an_address_for_readers_no_link_is_laid()
    {
        await using var jobs = await StartAsync("slack");
        JobTypeFixture.Result(await jobs.RunAsync("notify.webhook", new { subject = "Week", text = "all green", week = Pictures.Week() }));

        Assert.Equal("""{"text":"*Week*\nall green"}""", Encoding.UTF8.GetString(_sent.Last().Body));
    }

    [Fact]
    public async Task What_became_of_a_notification_is_audited_under_the_trace_that_it_tells_of()
    {
        await using var jobs = await StartAsync("slack");
        var about = new string('a', 32);
        async Task<(string Type, string? Trace, string Data)> TellAsync(object payload, int attempt = 1)
        {
            var audited = Assert.Single((await jobs.RunAsync(jobs.Job("notify.webhook", payload, attempt))).Events);
            return (audited.Type, audited.TraceId, JsonSerializer.Serialize(audited.Data, Cogo.Core.CogoJson.Options));
        }

        var told = await TellAsync(new { subject = $"About {Token}", text = "t", trace_id = about });
        _refusals.Enqueue((503, null));
        var late = await TellAsync(new { subject = "s", text = "t" }, attempt: 2);
        _refusals.Enqueue((503, null));
        var last = await TellAsync(new { subject = "s", text = "t" }, attempt: 3);
        var wrong = await TellAsync(new { subject = "two\nlines", text = "t", trace_id = about });
        var odd = await TellAsync(new { subject = "s" });

        Assert.Equal(("notification_delivered", about, """{"kind":"slack","subject":"About [redacted]","job_id":1,"attempt":1,"status":200}"""), told);
        Assert.Equal(
            ("notification_failed", null, """{"kind":"slack","subject":"s","job_id":2,"attempt":2,"status":503,"code":"webhook_unavailable","reason":"The slack webhook answered 503.","final":false}"""), late);
        Assert.EndsWith("\"final\":true}", last.Data, StringComparison.Ordinal);
        Assert.Equal(("notification_failed", about), (wrong.Type, wrong.Trace));
        Assert.Contains("\"code\":\"invalid_payload\"", wrong.Data, StringComparison.Ordinal);
        Assert.DoesNotContain("\"subject\":", wrong.Data, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"invalid_payload\"", odd.Data, StringComparison.Ordinal);
        Assert.All(new[] { told, late, last, wrong, odd }, one => Assert.DoesNotContain("sesame", one.Data, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(429, "33", 33)]
    [InlineData(503, null, null)]
    public async Task What_may_pass_is_tried_again(int status, string? retryAfter, int? seconds)
    {
        _refusals.Enqueue((status, retryAfter));
        await using var jobs = await StartAsync("slack");

        var retry = Assert.IsType<JobOutcome.Retry>(await jobs.RunAsync("notify.webhook", new { subject = "s", text = "t" }));

        Assert.Equal(seconds is null ? null : TimeSpan.FromSeconds(seconds.Value), retry.After);
        Assert.Contains($"answered {status}", retry.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(302)]
    public async Task What_is_refused_fails_without_naming_the_address(int status)
    {
        _refusals.Enqueue((status, null));
        await using var jobs = await StartAsync("slack");

        var failed = JobTypeFixture.Failed("webhook_refused", await jobs.RunAsync("notify.webhook", new { subject = "s", text = "t" }));

        Assert.DoesNotContain("sesame", failed.Reason, StringComparison.Ordinal);
        Assert.Single(_sent);
    }

    [Fact]
    public async Task A_receiver_that_is_not_there_is_tried_again_without_naming_it()
    {
        await using var jobs = await JobTypeFixture.StartAsync(("WEBHOOK_TYPE", "slack"), ("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/hook/sesame"));

        var retry = Assert.IsType<JobOutcome.Retry>(await jobs.RunAsync("notify.webhook", new { subject = "s", text = "t" }));

        Assert.DoesNotContain("sesame", retry.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_webhook_or_with_a_wrong_payload_the_job_fails_and_says_why()
    {
        await using var jobs = await JobTypeFixture.StartAsync();

        Assert.Contains("WEBHOOK_TYPE", JobTypeFixture.Failed("webhook_missing", await jobs.RunAsync("notify.webhook", new { subject = "s", text = "t" })).Reason, StringComparison.Ordinal);
        JobTypeFixture.Failed("invalid_payload", await jobs.RunAsync("notify.webhook", new { subject = "two\nlines", text = "t" }));
        JobTypeFixture.Failed("invalid_payload", await jobs.RunAsync("notify.webhook", new { subject = "s" }));
        JobTypeFixture.Failed("invalid_payload", await jobs.RunAsync("notify.webhook", new { subject = "s", text = "t", week = Pictures.Week() with { Days = [] } }));
    }

    [Theory]
    [InlineData("fax", null, null, "github, slack, http or googlechat")]
    [InlineData("slack", null, null, "SLACK_WEBHOOK_URL is not set")]
    [InlineData("github", "GITHUB_OWNER", "acme/shop", "without a slash")]
    [InlineData("http", "WEBHOOK_URL", "sesame", "WEBHOOK_URL is not a URL")]
    public void A_setting_that_cannot_be_used_is_named_and_not_repeated_when_it_is_secret(string kind, string? name, string? value, string words)
    {
        var refused = Assert.Throws<FormatException>(() => NotifySettings.Read(Settings.Of(("WEBHOOK_TYPE", kind), (name ?? "X", value))));

        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", refused.Message, StringComparison.Ordinal);
    }

    private Task<JobTypeFixture> GitHubAsync() => StartAsync("github");

    private Task<JobTypeFixture> StartAsync(string kind, params (string Name, string? Value)[] more)
    {
        var hook = $"{_server.Address}hook/sesame-chat";
        return JobTypeFixture.StartAsync(
            [.. more, ("WEBHOOK_TYPE", kind), ("GITHUB_OWNER", "acme"), ("GITHUB_REPO", "shop"), ("GITHUB_TOKEN", Token), ("GITHUB_API_URL", _server.Address.ToString()),
            ("SLACK_WEBHOOK_URL", hook), ("GOOGLE_CHAT_WEBHOOK_URL", hook), ("WEBHOOK_URL", hook), ("WEBHOOK_SECRET", Signing),
            ("ConnectionStrings:cogo", $"Host=db;Username=cogo;Password={Password}")]);
    }
}
