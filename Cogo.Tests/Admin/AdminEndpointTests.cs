using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Metrics;
using Xunit;

namespace Cogo.Tests.Admin;

public sealed class AdminEndpointTests(AdminHost host) : IClassFixture<AdminHost>
{
    [Fact]
    public async Task A_notification_reaches_its_receiver_and_its_trace_says_so()
    {
        var about = await new AuditLog(host.Database).TaskAsync("passed");
        var subject = $"Told {Guid.NewGuid():N}";

        var accepted = await host.PostAsync("/api/admin/notify", $$"""{ "subject": "{{subject}}", "text": "all *green*", "trace_id": "{{about}}" }""");

        Assert.Equal(202, accepted.Status);
        Assert.Equal((about, $"/api/metrics/trace/{about}"), (accepted.Field("trace_id"), accepted.Json.GetProperty("links").GetProperty("trace").GetString()));
        var told = await EventAsync(about, "notification_delivered");
        Assert.Equal((1, 204), (told.GetProperty("attempt").GetInt32(), told.GetProperty("data").GetProperty("status").GetInt32()));
        Assert.Equal(("http", subject), (told.GetProperty("data").GetProperty("kind").GetString(), told.GetProperty("data").GetProperty("subject").GetString()));
        Assert.Equal(accepted.Json.GetProperty("job_id").GetInt64(), told.GetProperty("message_id").GetInt64());
        Assert.Equal("passed", (await host.GetAsync($"/api/metrics/trace/{about}")).Field("verdict"));
        Assert.Contains(host.Received, body => JsonSerializer.Deserialize<JsonElement>(body).GetProperty("trace_id").ValueEquals(about));
        Assert.Equal(1L, await host.Database.ScalarAsync<long>(
            "select count(*) from bus_events where type = 'admin_action' and data ->> 'action' = 'notify' and (data #>> '{told,job_id}')::bigint = $1", accepted.Json.GetProperty("job_id").GetInt64()));
    }

    [Fact]
    public async Task A_failed_notification_is_told_under_the_trace_and_does_not_change_its_verdict()
    {
        var about = await new AuditLog(host.Database).TaskAsync("passed");
        host.Refusals.Enqueue(410);

        Assert.Equal(202, (await host.PostAsync("/api/admin/notify", $$"""{ "subject": "Gone", "text": "x", "trace_id": "{{about}}" }""")).Status);

        var data = (await EventAsync(about, "notification_failed")).GetProperty("data");
        Assert.Equal((410, "webhook_refused", true), (data.GetProperty("status").GetInt32(), data.GetProperty("code").GetString(), data.GetProperty("final").GetBoolean()));
        Assert.Equal("passed", (await host.GetAsync($"/api/metrics/trace/{about}")).Field("verdict"));
    }

    [Fact]
    public async Task The_same_key_does_nothing_twice_even_at_once_and_another_request_may_not_use_it()
    {
        const string body = """{ "subject": "Once", "text": "only" }""";
        var key = Guid.NewGuid().ToString("N");

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => host.PostAsync("/api/admin/notify", body, key)));

        Assert.All(answers, answer => Assert.Equal(202, answer.Status));
        Assert.Single(answers.Select(answer => answer.Field("job_id")).Distinct());
        Assert.Single(answers, answer => answer.Field("duplicate") == "False");
        Assert.Equal(1L, await host.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'admin_action' and data #>> '{told,job_id}' = $1", answers[0].Field("job_id")!));
        (await host.PostAsync("/api/admin/notify", """{ "subject": "Once", "text": "changed" }""", key)).IsProblem(422, "idempotency_key_reused", key);
        (await host.PostAsync("/api/admin/notify/weekly", key: key)).IsProblem(422, "idempotency_key_reused", key);
        (await host.PostAsync("/api/admin/metrics/snapshot", key: key)).IsProblem(422, "idempotency_key_reused", key);
    }

    [Fact]
    public async Task The_weekly_report_is_shown_drawn_sent_and_enqueued_once_a_week()
    {
        await new AuditLog(host.Database).TaskAsync("failed");
        var preview = await host.GetAsync("/api/admin/notify/weekly");
        var picture = await host.GetAsync(preview.Json.GetProperty("links").GetProperty("picture").GetString()!);
        var (sent, again) = (await host.PostAsync("/api/admin/notify/weekly"), await host.PostAsync("/api/admin/notify/weekly"));
        var (first, second) = (await host.PostAsync("/api/admin/weekly/enqueue"), await host.PostAsync("/api/admin/weekly/enqueue", key: Guid.NewGuid().ToString("N")));

        Assert.Contains("last 7d", preview.Field("text"), StringComparison.Ordinal);
        Assert.Equal(7, preview.Json.GetProperty("figures").GetProperty("days").GetArrayLength());
        Assert.Equal("image/svg+xml; charset=utf-8", picture.Response.Content.Headers.ContentType?.ToString());
        Assert.Contains("default-src 'none'", picture.Response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("svg", XDocument.Parse(picture.Text).Root!.Name.LocalName);
        Assert.NotEqual(sent.Field("job_id"), again.Field("job_id"));
        // Another test may have been first this week.
        Assert.Equal((202, "True"), (first.Status, second.Field("duplicate")));
        Assert.Equal(1L, await host.Database.ScalarAsync<long>("select count(*) from jobs where idempotency_key like 'weekly:%'"));
        Assert.Equal((first.Field("job_id"), first.Field("trace_id")), (second.Field("job_id"), second.Field("trace_id")));
        await EventAsync(sent.Field("trace_id")!, "notification_delivered");
        var told = host.Received.Select(body => JsonSerializer.Deserialize<JsonElement>(body)).First(body => body.GetProperty("job_id").GetInt64() == sent.Json.GetProperty("job_id").GetInt64());
        var svg = told.GetProperty("picture").GetProperty("svg").GetString();
        Assert.Equal(svg, (await host.GetAsync($"/artifacts/{told.GetProperty("picture").GetProperty("path").GetString()}")).Text);
    }

    [Fact]
    public async Task The_examples_in_the_document_are_taken_and_answered_as_shown()
    {
        var paths = (await host.GetAsync("/openapi/v1.json")).Json.GetProperty("paths");
        foreach (var (method, path, status) in new[]
        {
            ("post", "/api/admin/notify", "202"), ("post", "/api/admin/notify/gate", "202"), ("post", "/api/admin/notify/weekly", "202"),
            ("post", "/api/admin/weekly/enqueue", "202"), ("post", "/api/admin/metrics/snapshot", "201"), ("get", "/api/admin/notify/weekly", "200"),
        })
        {
            var operation = paths.GetProperty(path).GetProperty(method);
            var body = operation.TryGetProperty("requestBody", out var request) ? Example(request).GetRawText() : null;

            var answer = await host.SendAsync(HttpMethod.Parse(method), path, body);

            Assert.Equal(status, answer.Status.ToString(System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal(Names(Example(operation.GetProperty("responses").GetProperty(status))), Names(answer.Json));
        }

        static JsonElement Example(JsonElement of) => of.GetProperty("content").GetProperty("application/json").GetProperty("example");

        static IEnumerable<string> Names(JsonElement of) => of.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("q1")]
    [InlineData("acceptance")]
    public async Task What_a_gate_says_is_told(string gate)
    {
        await new AuditLog(host.Database).TaskAsync("failed");

        var answer = await host.PostAsync("/api/admin/notify/gate", $$"""{ "gate": "{{gate}}", "window": "1h" }""");

        Assert.Equal((202, $"Gate {gate}", "fail"), (answer.Status, answer.Field("subject"), answer.Field("verdict")));
        var text = await host.Database.ScalarAsync<string>("select payload ->> 'text' from jobs where id = $1", answer.Json.GetProperty("job_id").GetInt64());
        Assert.Matches("^FAIL\n(.*\n)*fail: q1_pass_rate [0-9.]+ %", text);
    }

    [Fact]
    public async Task A_snapshot_is_kept_and_served()
    {
        var key = Guid.NewGuid().ToString("N");
        var taken = await host.PostAsync("/api/admin/metrics/snapshot?window=2h", key: key);
        var again = await host.PostAsync("/api/admin/metrics/snapshot?window=2h", key: key);

        Assert.Equal((201, "2h", "False"), (taken.Status, taken.Field("window"), taken.Field("duplicate")));
        Assert.Equal((taken.Field("path"), "True"), (again.Field("path"), again.Field("duplicate")));
        var document = await host.GetAsync(taken.Response.Headers.Location!.ToString());
        Assert.Equal((200, "2h"), (document.Status, document.Json.GetProperty("figures").GetProperty("window").GetString()));
        Assert.Equal(taken.Field("trace_id"), await host.Database.ScalarAsync<string>("select trace_id from artifacts where path = $1", taken.Field("path")!));
    }

    [Fact]
    public async Task Snapshots_of_one_second_are_all_kept()
    {
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.PostAsync("/api/admin/metrics/snapshot")));

        Assert.Equal(8, taken.Select(answer => answer.Field("path")).Distinct().Count());
        foreach (var answer in taken)
        {
            Assert.Equal(answer.Field("trace_id"), await host.Database.ScalarAsync<string>("select trace_id from artifacts where path = $1", answer.Field("path")!));
        }
    }

    [Theory]
    [InlineData("/api/admin/notify", """{ "text": "x" }""", "subject")]
    [InlineData("/api/admin/notify", """{ "subject": "two\nlines", "text": "x" }""", "subject")]
    [InlineData("/api/admin/notify", """{ "subject": "s", "text": "nul \u0000" }""", "text")]
    [InlineData("/api/admin/notify", """{ "subject": "s", "text": "x", "trace_id": "4711" }""", "trace_id")]
    [InlineData("/api/admin/notify", """{ "subject": "s", "text": "x", "to": "all" }""", "to")]
    [InlineData("/api/admin/notify", """{ "subject": 7, "text": "x" }""", "subject")]
    [InlineData("/api/admin/notify/gate", """{ "gate": "q2" }""", "gate")]
    [InlineData("/api/admin/notify/gate", """{ "gate": "q1", "window": "soon" }""", "window")]
    [InlineData("/api/admin/metrics/snapshot?window=0h", null, "window")]
    public async Task What_is_wrong_with_a_request_is_said_of_its_field(string path, string? body, string field)
    {
        var answer = await host.PostAsync(path, body);

        Assert.Equal(400, answer.Status);
        Assert.NotEmpty(answer.Json.GetProperty("errors").GetProperty(field)[0].GetString()!);
    }

    [Theory]
    [InlineData("/api/admin/notify", """{ "subject": "s", "text": "x" }""")]
    [InlineData("/api/admin/notify/gate", """{ "gate": "q1" }""")]
    [InlineData("/api/admin/notify/weekly", null)]
    [InlineData("/api/admin/weekly/enqueue", null)]
    [InlineData("/api/admin/metrics/snapshot", null)]
    public async Task A_key_that_is_none_is_refused(string path, string? body) =>
        (await host.PostAsync(path, body, key: new string('k', 256))).IsProblem(400, "invalid_request", "Idempotency-Key");

    [Fact]
    public async Task No_secret_is_in_answers_logs_rows_or_files()
    {
        await using var alone = new AdminHost();
        await alone.InitializeAsync();
        var said = new StringBuilder();
        foreach (var token in new[] { AdminHost.Token, AdminHost.WrongToken })
        {
            foreach (var (method, path, body) in new[]
            {
                ("POST", "/api/admin/notify", """{ "subject": "s", "text": "t" }"""),
                ("POST", "/api/admin/notify/gate", """{ "gate": "q1" }"""), ("POST", "/api/admin/notify/weekly", null), ("POST", "/api/admin/weekly/enqueue", null),
                ("POST", "/api/admin/metrics/snapshot", null), ("GET", "/api/admin/notify/weekly", null), ("GET", "/api/admin/notify/weekly/picture", null),
                ("GET", "/api/metrics/events", null),
            })
            {
                var answer = await alone.SendAsync(HttpMethod.Parse(method), path, body, token: token);
                said.Append(answer.Response.Headers).Append(answer.Text).Append('\n');
            }
        }

        await Eventually.BecomesTrueAsync(
            async () => await alone.Database.ScalarAsync<long>("select count(*) from jobs where status in ('queued', 'running')") == 0, "the end of all jobs");
        said.Append(alone.Logged).AppendJoin('\n', alone.Received);
        foreach (var file in Directory.EnumerateFiles(alone.ArtifactsFolder, "*", SearchOption.AllDirectories))
        {
            said.Append(await File.ReadAllTextAsync(file));
        }

        foreach (var table in (await alone.Database.ScalarAsync<string[]>("select array_agg(format('%I', tablename)) from pg_tables where schemaname = 'public'"))!)
        {
            said.Append(await alone.Database.ScalarAsync<string>($"select string_agg(t::text, E'\\n') from {table} t"));
        }

        var everything = said.ToString();
        Assert.Contains("was refused: wrong admin token from 127.0.0.1", alone.Logged, StringComparison.Ordinal);
        Assert.Contains("admin_refused", everything, StringComparison.Ordinal);
        Assert.Contains("notification_delivered", everything, StringComparison.Ordinal);
        Assert.All(
            new[] { AdminHost.Token, AdminHost.WrongToken, AdminHost.HookSecret, AdminHost.SigningSecret },
            secret => Assert.DoesNotContain(secret, everything, StringComparison.OrdinalIgnoreCase));
    }

    private async Task<JsonElement> EventAsync(string trace, string type)
    {
        var found = await Eventually.BecomesAsync(
            async () => (await host.GetAsync($"/api/metrics/trace/{trace}")).Json.GetProperty("timeline").EnumerateArray().FirstOrDefault(entry => entry.GetProperty("type").ValueEquals(type)),
            entry => entry.ValueKind == JsonValueKind.Object,
            $"{type} in trace {trace}");
        return found;
    }
}
