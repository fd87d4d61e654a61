using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Cogo.Core.Jobs;
using Cogo.Tests.Codegen;
using Cogo.Tests.Fixtures;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Cogo.Tests.JobTypes;

/// <summary>Browser jobs on the system's Chromium, against a page on this machine.</summary>
public sealed class BrowserTests(BrowserTests.Site site) : IClassFixture<BrowserTests.Site>
{
    private const string Shop =
        """
        <!doctype html><html><head><title>The shop</title><link rel="icon" href="data:,"></head>
        <body><h1>Welcome</h1><p hidden class="secret">never shown</p>
        <form action="/bought"><input name="email"><button id="buy">Buy</button></form>
        <script>console.log('shop opened'); console.error('a broken thing'); document.cookie = 'session=topsecret';
        setTimeout(() => document.body.insertAdjacentHTML('beforeend', '<p id="late">Late news</p>'), 200);</script></body></html>
        """;

    private readonly JobTypeFixture _jobs = site.Jobs;

    [Fact]
    public async Task Navigate_leaves_a_result_a_screenshot_the_console_and_the_traffic()
    {
        var job = _jobs.Job("browser.navigate", new { url = At("") });

        var result = JobTypeFixture.Result(await _jobs.RunAsync(job));

        Assert.True(result.GetProperty("passed").GetBoolean());
        Assert.Equal("The shop", result.GetProperty("title").GetString());
        Assert.Equal(200, result.GetProperty("status").GetInt32());
        Assert.Equal(1, result.GetProperty("console_errors").GetInt32());
        Assert.Equal([$"job-{job.Id}/screenshot.png", $"job-{job.Id}/console.jsonl", $"job-{job.Id}/network.har"], result.GetProperty("artifacts").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal("\u0089PNG"u8[2..].ToArray(), (await job.ArtifactAsync("screenshot.png"))[1..4]);
        var lines = (await job.ArtifactTextAsync("console.jsonl")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToList();
        Assert.Equal(["log shop opened", "error a broken thing"], lines.Select(line => $"{line.GetProperty("type")} {line.GetProperty("text")}"));
        var har = await job.ArtifactJsonAsync("network.har");
        var entry = Assert.Single(har.GetProperty("log").GetProperty("entries").EnumerateArray(), entry => entry.GetProperty("request").GetProperty("url").GetString() == At(""));
        Assert.Equal(200, entry.GetProperty("response").GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Assert_passes_when_all_of_it_is_true_also_what_appears_late()
    {
        var outcome = await _jobs.RunAsync("browser.assert", new { url = At(""), assert = new { text = "Late news", selector = "#late", title = "shop", url = "127.0.0.1", status = 200 } });

        Assert.True(JobTypeFixture.Result(outcome).GetProperty("passed").GetBoolean());
    }

    [Theory]
    [InlineData("""{"text": "Goodbye"}""", "the text 'Goodbye'")]
    [InlineData("""{"text": "never shown"}""", "the text 'never shown'")]
    [InlineData("""{"selector": ".secret"}""", "Nothing that .secret selects was visible")]
    [InlineData("""{"title": "The bank"}""", "The title is 'The shop', and 'The bank' was expected")]
    [InlineData("""{"url": "/checkout"}""", "'/checkout' was expected in it")]
    [InlineData("""{"status": 201}""", "answered 200, and 201 was expected")]
    public async Task A_false_assertion_fails_with_a_sentence_and_keeps_the_evidence(string assert, string sentence)
    {
        var job = _jobs.Job("browser.assert", new { url = At(""), assert = JsonSerializer.Deserialize<JsonElement>(assert), assert_timeout_ms = 400 });

        var failed = JobTypeFixture.Failed("assertion_failed", await _jobs.RunAsync(job));

        Assert.Contains(sentence, failed.Reason, StringComparison.Ordinal);
        Assert.Contains($"job-{job.Id}/screenshot.png", failed.Reason, StringComparison.Ordinal);
        Assert.Equal(["screenshot.png", "console.jsonl", "network.har"], job.ArtifactNames);
    }

    [Fact]
    public async Task A_selector_that_is_none_is_not_a_false_assertion() =>
        JobTypeFixture.Failed("invalid_selector", await _jobs.RunAsync("browser.assert", new { url = At(""), assert = new { selector = "p[[" }, assert_timeout_ms = 400 }));

    [Fact]
    public async Task A_script_clicks_fills_asserts_and_pictures()
    {
        var job = _jobs.Job("browser.script", new
        {
            url = At(""),
            steps = new object[]
            {
                new { action = "wait", selector = "#late" },
                new { action = "fill", selector = "input[name=email]", value = "ann@example.org" },
                new { action = "screenshot", name = "form" },
                new { action = "click", selector = "#buy" },
                new { action = "wait", url = "/bought" },
                new { action = "assert", text = "Sent to ann@example.org", title = "Thanks" },
            },
        });

        var result = JobTypeFixture.Result(await _jobs.RunAsync(job));

        Assert.EndsWith("/bought", result.GetProperty("url").GetString(), StringComparison.Ordinal);
        Assert.Equal(["form.png", "screenshot.png", "console.jsonl", "network.har"], job.ArtifactNames);
        Assert.Equal(6, job.Progress.Count);
        Assert.DoesNotContain("topsecret", await job.ArtifactTextAsync("network.har"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_ends_at_the_step_that_fails_and_names_it()
    {
        var job = _jobs.Job("browser.script", new { steps = new object[] { new { action = "goto", url = At("") }, new { action = "click", selector = "#sell", timeout_ms = 300 }, new { action = "goto", url = At("missing") } } });

        var failed = JobTypeFixture.Failed("step_failed", await _jobs.RunAsync(job));

        Assert.StartsWith("Step 2 of 3 (click) failed: #sell could not be clicked within 300 ms", failed.Reason, StringComparison.Ordinal);
        Assert.Contains("screenshot.png", job.ArtifactNames);
    }

    [Fact]
    public async Task A_screenshot_can_be_of_an_element_as_jpeg()
    {
        var job = _jobs.Job("browser.screenshot", new { url = At(""), selector = "h1", format = "jpeg", har = false });

        JobTypeFixture.Result(await _jobs.RunAsync(job));

        Assert.Equal(["screenshot.jpg", "console.jsonl"], job.ArtifactNames);
        Assert.Equal([0xff, 0xd8], (await job.ArtifactAsync("screenshot.jpg"))[..2]);
    }

    [Fact]
    public async Task What_the_network_did_is_retried_and_what_the_page_is_fails()
    {
        var slow = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("browser.navigate", new { url = At("slow"), timeout_ms = 300 }));
        Assert.Contains("had not loaded after 300 ms", slow.Reason, StringComparison.Ordinal);
        var down = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("browser.navigate", new { url = At("down") }));
        Assert.Contains("answered 503", down.Reason, StringComparison.Ordinal);
        var closed = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("browser.navigate", new { url = $"http://127.0.0.1:{ClosedPort()}/?key=hunter22" }));
        Assert.DoesNotContain("hunter22", closed.Reason, StringComparison.Ordinal);

        var missing = JobTypeFixture.Failed("page_status", await _jobs.RunAsync("browser.navigate", new { url = At("missing") }));
        Assert.StartsWith($"{At("missing")} answered 404", missing.Reason, StringComparison.Ordinal);
        JobTypeFixture.Result(await _jobs.RunAsync("browser.navigate", new { url = At("missing"), expect_status = 404 }));
        JobTypeFixture.Failed("not_a_page", await _jobs.RunAsync("browser.navigate", new { url = At("file.zip") }));
    }

    [Fact]
    public async Task A_job_over_its_deadline_is_retried()
    {
        await using var jobs = await JobTypeFixture.StartAsync(("BROWSER_JOB_TIMEOUT_MS", "500"));

        var retry = Assert.IsType<JobOutcome.Retry>(await jobs.RunAsync("browser.script", new { steps = new[] { new { action = "wait", ms = 600_000 } } }));

        Assert.Contains("raise BROWSER_JOB_TIMEOUT_MS", retry.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_in_an_endless_loop_can_be_cancelled_and_the_next_job_runs()
    {
        using var cancel = new CancellationTokenSource();
        var job = _jobs.Job("browser.script", new { steps = new object[] { new { action = "goto", url = At("loop") }, new { action = "assert", text = "never", timeout_ms = 600_000 } } });
        var running = _jobs.RunAsync(job, cancel.Token);
        await Eventually.BecomesTrueAsync(() => job.Progress.Count == 2, "the second step");

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(TimeSpan.FromSeconds(30)));
        JobTypeFixture.Result(await _jobs.RunAsync("browser.navigate", new { url = At("") }));
    }

    [Fact]
    public async Task A_browser_that_is_killed_costs_a_retry_and_the_next_job_has_another()
    {
        var job = _jobs.Job("browser.script", new { steps = new object[] { new { action = "goto", url = At("") }, new { action = "wait", ms = 60_000 }, new { action = "assert", title = "shop" } } });
        var running = _jobs.RunAsync(job);
        await Eventually.BecomesTrueAsync(() => job.Progress.Count == 2, "the second step");
        using (var browser = Process.GetProcessById(Browsers().Order().First()))
            browser.Kill();

        var retry = Assert.IsType<JobOutcome.Retry>(await running.WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Contains("ended in the middle", retry.Reason, StringComparison.Ordinal);
        Assert.Contains("console.jsonl", job.ArtifactNames);
        JobTypeFixture.Result(await _jobs.RunAsync("browser.navigate", new { url = At("") }));
    }

    [Fact]
    public async Task A_job_is_cancelled_in_the_middle_of_a_navigation()
    {
        using var cancel = new CancellationTokenSource();
        var job = _jobs.Job("browser.script", new { steps = new object[] { new { action = "goto", url = At("slow"), timeout_ms = 600_000 } } });
        var running = _jobs.RunAsync(job, cancel.Token);
        await Eventually.BecomesTrueAsync(() => job.Progress.Count == 1, "the first step");

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task No_process_is_left_when_the_worker_ends()
    {
        var before = Browsers();
        await using (var jobs = await JobTypeFixture.StartAsync())
        {
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => jobs.RunAsync("browser.navigate", new { url = At("") })));
            Assert.NotEmpty(Browsers().Except(before));
        }

        await Eventually.BecomesTrueAsync(() => !Browsers().Except(before).Any(), "the end of the browser");
    }

    [Fact]
    public async Task No_process_is_left_when_the_worker_is_killed()
    {
        // Chromium's profile is what a killed worker leaves in the folder for temporary files.
        using var temporary = new TemporaryFolder();
        var dotnet = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", "..", "dotnet");
        using var worker = Process.Start(new ProcessStartInfo(dotnet, ["exec", Path.Combine(AppContext.BaseDirectory, "Cogo.Tests.dll"), TestProgram.HoldBrowser])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
            Environment = { ["TMPDIR"] = temporary.Path },
        })!;
        try
        {
            Assert.StartsWith("ready", await worker.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)), StringComparison.Ordinal);
            Assert.Single(BrowserProcesses.Below(worker.Id));
            var members = BrowserProcesses.Descendants(worker.Id);

            worker.Kill();

            await Eventually.BecomesTrueAsync(() => members.All(id => !BrowserProcesses.IsAlive(id)), "the end of the browser and its driver");
        }
        finally
        {
            if (!worker.HasExited)
                worker.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Forced_success_says_that_the_assertion_failed()
    {
        await using var jobs = await JobTypeFixture.StartAsync(("BROWSER_FORCE_SUCCESS", "true"));

        var result = JobTypeFixture.Result(await jobs.RunAsync("browser.assert", new { url = At(""), assert = new { title = "The bank" }, assert_timeout_ms = 200 }));
        Assert.False(result.GetProperty("passed").GetBoolean());
        Assert.Contains("The title is 'The shop'", result.GetProperty("failure").GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains("BROWSER_FORCE_SUCCESS", result.GetProperty("warning").GetString(), StringComparison.Ordinal);

        JobTypeFixture.Failed("page_status", await jobs.RunAsync("browser.navigate", new { url = At("missing") }));
    }

    [Fact]
    public async Task There_is_no_mode_that_pretends()
    {
        await using var jobs = await JobTypeFixture.StartAsync(("BROWSER_REAL_MODE", "false"));

        JobTypeFixture.Failed("browser_real_mode_off", await jobs.RunAsync("browser.navigate", new { url = At("") }));
    }

    [Fact]
    public async Task A_worker_without_a_browser_says_how_to_get_one()
    {
        await using var jobs = await JobTypeFixture.StartAsync(("BROWSER_PATH", "/nowhere/chromium"));

        var retry = Assert.IsType<JobOutcome.Retry>(await jobs.RunAsync("browser.navigate", new { url = At("") }));

        Assert.Contains("BROWSER_PATH is /nowhere/chromium, where there is no file", retry.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("browser.navigate", """{"url": "file:///etc/passwd"}""", "url is not")]
    [InlineData("browser.navigate", """{"url": "http://localhost/", "timout_ms": 1}""", "timout_ms is not a field")]
    [InlineData("browser.navigate", """{}""", "'url' is missing")]
    [InlineData("browser.assert", """{"url": "http://localhost/", "assert": {}}""", "assert names nothing")]
    [InlineData("browser.screenshot", """{"url": "http://localhost/", "format": "gif"}""", "format is not")]
    [InlineData("browser.script", """{"steps": []}""", "steps holds 0 steps")]
    [InlineData("browser.script", """{"steps": [{"action": "goto", "url": "chrome://settings"}]}""", "in step 1, url is not")]
    [InlineData("browser.script", """{"steps": [{"action": "hack"}]}""", "in step 1, action is not")]
    [InlineData("browser.script", """{"steps": [null]}""", "step 1 is null")]
    [InlineData("browser.script", """{"steps": [{"action": "screenshot", "name": "../x"}]}""", "screenshot needs a name")]
    public async Task A_payload_that_cannot_be_used_is_refused_with_the_reason(string type, string payload, string reason) =>
        Assert.Contains(reason, JobTypeFixture.Failed("invalid_payload", await _jobs.RunAsync(type, JsonSerializer.Deserialize<JsonElement>(payload))).Reason, StringComparison.Ordinal);

    private string At(string path) => new Uri(site.Address, path).AbsoluteUri;

    private static int ClosedPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Main processes of browsers that descend from this one.</summary>
    private static HashSet<int> Browsers() => BrowserProcesses.Below(Environment.ProcessId);

    /// <summary>The pages, and a worker whose browser the tests share.</summary>
    public sealed class Site : IAsyncLifetime
    {
        private LocalServer _server = null!;

        public Uri Address => _server.Address;

        internal JobTypeFixture Jobs { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _server = await LocalServer.StartAsync(app =>
            {
                app.MapGet("/", () => Results.Content(Shop, "text/html"));
                app.MapGet("/bought", (string email) => Results.Content($"<title>Thanks</title><p>Sent to {email}</p>", "text/html"));
                app.MapGet("/missing", () => Results.Content("<title>Gone</title>", "text/html", statusCode: 404));
                app.MapGet("/down", () => Results.Content("<title>Down</title>", "text/html", statusCode: 503));
                app.MapGet("/slow", async (CancellationToken cancelled) => await Task.Delay(TimeSpan.FromMinutes(5), cancelled));
                app.MapGet("/loop", () => Results.Content("<title>Loop</title><script>setTimeout(() => { while (true) {} }, 100)</script>", "text/html"));
                app.MapGet("/file.zip", () => Results.File("PK"u8.ToArray(), "application/zip", "file.zip"));
            });
            Jobs = await JobTypeFixture.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Jobs.DisposeAsync();
            await _server.DisposeAsync();
        }
    }
}
