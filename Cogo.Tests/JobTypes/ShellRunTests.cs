using System.Text.Json;
using Cogo.Core.Jobs;
using Xunit;

namespace Cogo.Tests.JobTypes;

public sealed class ShellRunTests(ShellRunTests.Worker worker) : IClassFixture<ShellRunTests.Worker>
{
    private readonly JobTypeFixture _jobs = worker.Jobs;

    [Fact]
    public async Task A_command_leaves_its_exit_code_tails_and_whole_log()
    {
        var job = _jobs.Job("shell.run", new { command = "cat; echo out; echo err >&2; echo \"$GREETING $COGO_JOB_ID\"", stdin = "in\n", env = new Dictionary<string, string> { ["GREETING"] = "hello" } });

        var result = JobTypeFixture.Result(await _jobs.RunAsync(job));

        Assert.Equal(0, result.GetProperty("exit_code").GetInt32());
        Assert.Equal($"in\nout\nhello {job.Id}\n", result.GetProperty("stdout_tail").GetString());
        Assert.Equal("err\n", result.GetProperty("stderr_tail").GetString());
        Assert.Equal(["err", $"hello {job.Id}", "in", "out"], (await job.ArtifactTextAsync("shell.log")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [Fact]
    public async Task An_exit_code_fails_unless_the_payload_says_retry()
    {
        var job = _jobs.Job("shell.run", new { command = "echo almost; exit 3" });
        var failed = JobTypeFixture.Failed("exit_code", await _jobs.RunAsync(job));
        Assert.Contains("exit code 3. Its last words: almost. All of its output: job-", failed.Reason, StringComparison.Ordinal);
        Assert.Equal("almost\n", await job.ArtifactTextAsync("shell.log"));

        var retry = Assert.IsType<JobOutcome.Retry>(await _jobs.RunAsync("shell.run", new { command = "exit 75", retry_on_exit = new[] { 75 } }));
        Assert.Contains("exit code 75, which retry_on_exit names", retry.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_of_the_workers_environment_leaks_and_the_folder_is_empty_and_gone()
    {
        Environment.SetEnvironmentVariable("SHELL_TEST_API_TOKEN", "sesame");

        var output = JobTypeFixture.Result(await _jobs.RunAsync("shell.run", new { command = "ls -A; touch x $TMPDIR/y; env; pwd" })).GetProperty("stdout_tail").GetString()!;

        Assert.DoesNotContain("sesame", output, StringComparison.Ordinal);
        var folder = output.TrimEnd().Split('\n')[^1];
        Assert.StartsWith(Path.GetTempPath().TrimEnd('/'), folder, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
        Assert.Contains($"TMPDIR={Path.GetDirectoryName(folder)}/tmp\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sleep 600", "timeout", "did not end within 0.5 s")]
    [InlineData("yes", "output", "printed more than 1 MiB")]
    public async Task A_limit_ends_the_command(string command, string code, string sentence)
    {
        var failed = JobTypeFixture.Failed(code, await _jobs.RunAsync("shell.run", new { command, timeout_ms = code == "timeout" ? 500 : 60_000 }));

        Assert.Contains(sentence, failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_ends_the_command()
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _jobs.RunAsync(_jobs.Job("shell.run", new { command = "sleep 600" }), cancel.Token).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task It_is_off_unless_turned_on()
    {
        await using var jobs = await JobTypeFixture.StartAsync();

        var failed = JobTypeFixture.Failed("shell_jobs_disabled", await jobs.RunAsync("shell.run", new { command = "true" }));

        Assert.Contains("SHELL_JOBS_ENABLED=true", failed.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"command": " "}""", "command is empty")]
    [InlineData("""{"command": "true", "cwd": "relative"}""", "cwd is not an absolute path")]
    [InlineData("""{"command": "true", "env": {"A B": "c"}}""", "a name that a shell variable cannot have")]
    [InlineData("""{"command": "true", "env": {"A": null}}""", "env a null")]
    [InlineData("""{"command": "true", "retry_on_exit": [0]}""", "retry_on_exit")]
    [InlineData("""{"command": "tr\u0000ue"}""", "NUL")]
    public async Task A_payload_that_cannot_be_used_is_refused_with_the_reason(string payload, string reason) =>
        Assert.Contains(reason, JobTypeFixture.Failed("invalid_payload", await _jobs.RunAsync("shell.run", JsonSerializer.Deserialize<JsonElement>(payload))).Reason, StringComparison.Ordinal);

    [Fact]
    public async Task A_folder_that_is_not_there_is_named() =>
        Assert.Contains("/nowhere", JobTypeFixture.Failed("cannot_start", await _jobs.RunAsync("shell.run", new { command = "true", cwd = "/nowhere" })).Reason, StringComparison.Ordinal);

    public sealed class Worker : IAsyncLifetime
    {
        internal JobTypeFixture Jobs { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Jobs = await JobTypeFixture.StartAsync(("SHELL_JOBS_ENABLED", "true"), ("SHELL_JOB_OUTPUT_MB", "1"));

        public ValueTask DisposeAsync() => Jobs.DisposeAsync();
    }
}
