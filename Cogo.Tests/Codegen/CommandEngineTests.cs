using System.Diagnostics;
using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Codegen;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Cogo.Tests.Codegen;

public class CommandEngineTests
{
    [Fact]
    public async Task What_the_command_leaves_in_the_working_copy_is_the_change()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        var before = fixture.Repository.Fingerprint();

        var trace = await fixture.RunAsync(Command("""
            echo "on it" && sed -i 's/a - b/a + b/' src/app.js && git mv hello.txt hi.txt && git commit --quiet -am "half done" && echo more > notes.txt
            """, task: "Add, don't subtract"));

        var edits = await fixture.ArtifactAsync<Edits>("t/codegen/edits.json");
        Assert.Equal(
            [("hi.txt", FileChange.Renamed), ("notes.txt", FileChange.Added), ("src/app.js", FileChange.Modified)],
            edits.Files.Select(file => (file.Path, file.Kind)).Order());
        Assert.Contains("+module.exports = (a, b) => a + b;", await fixture.ArtifactAsync("t/codegen/change.diff"), StringComparison.Ordinal);
        Assert.Contains("on it", await fixture.ArtifactAsync("t/codegen/codegen.log"), StringComparison.Ordinal);
        Assert.Contains("on it", await fixture.ProgressAsync(trace), StringComparison.Ordinal);
        Assert.Equal(before, fixture.Repository.Fingerprint());
    }

    [Fact]
    public async Task The_command_gets_the_task_but_no_secret_that_was_not_passed()
    {
        await using var fixture = await CodegenFixture.StartAsync(new() { ["CODEGEN_COMMAND_ENV"] = "COGO_TEST_PASSED_KEY, NOT_SET_ANYWHERE" });
        Environment.SetEnvironmentVariable("COGO_TEST_PASSED_KEY", "passed");
        Environment.SetEnvironmentVariable("COGO_TEST_OTHER_KEY", "secret");
        try
        {
            await fixture.RunAsync(Command("""{ cat; echo; echo "$COGO_TASK"; echo "$COGO_TASK_ID"; env; } > seen.txt""", task: "Repair 'it' \"now\""));
        }
        finally
        {
            Environment.SetEnvironmentVariable("COGO_TEST_PASSED_KEY", null);
            Environment.SetEnvironmentVariable("COGO_TEST_OTHER_KEY", null);
        }

        var diff = await fixture.ArtifactAsync("t/codegen/change.diff");
        Assert.Equal(3, diff.Split("Repair 'it' \"now\"").Length - 1);
        Assert.Contains("+COGO_TEST_PASSED_KEY=passed", diff, StringComparison.Ordinal);
        Assert.Contains("+PATH=", diff, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", diff, StringComparison.Ordinal);
        var temporary = diff.Split('\n').Single(line => line.StartsWith("+TMPDIR=", StringComparison.Ordinal))["+TMPDIR=".Length..];
        Assert.Matches("/cogo-[0-9a-f]{10}$", temporary);
        Assert.False(Directory.Exists(temporary));
    }

    public static TheoryData<string, string, string, string> Failing => new()
    {
        { "echo half > hello.txt; echo cannot >&2; exit 3", "command_failed", "exit code 3", "cannot" },
        { "no-such-agent --go", "command_failed", "exit code 127", "not found" },
        { "kill -9 $$", "command_failed", "SIGKILL", "" },
        { "true", "no_change", "no file differs", "" },
        { "touch hello.txt; mkdir empty", "no_change", "no file differs", "" },
        { "ln -s /etc/passwd link", "patch_escapes", "symbolic link", "" },
        { "yes", "command_output", "1 MiB", "y" },
    };

    [Theory]
    [MemberData(nameof(Failing))]
    public async Task A_command_that_makes_no_good_change_is_a_failure_of_the_change(string command, string code, string says, string alsoSays)
    {
        await using var fixture = await CodegenFixture.StartAsync(new() { ["CODEGEN_COMMAND_OUTPUT_MB"] = "1" });

        var trace = await fixture.RunAsync(Command(command) with { Next = "code/build-test/0" }, maxAttempts: 3);

        var failure = await fixture.FailureAsync(trace);
        Assert.Equal((code, "failed"), (failure.Code, failure.Verdict));
        Assert.Contains(says, failure.Reason, StringComparison.Ordinal);
        Assert.Contains(alsoSays, failure.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(EventTypes.CodegenRetry, await fixture.EventsAsync(trace));
        Assert.Empty(fixture.BuildTest.Seen);
        Assert.Equal(0, fixture.WorkingCopies());
    }

    [Fact]
    public async Task A_command_that_hangs_is_ended_with_all_it_started()
    {
        await using var fixture = await CodegenFixture.StartAsync(
            add: services => services.AddSingleton(new CommandEngineOptions { Silence = TimeSpan.FromSeconds(1) }));
        var marker = $"61{Random.Shared.Next(100_000, 999_999)}";

        var trace = await fixture.RunAsync(Command($"(setsid sleep {marker} &) ; sleep {marker}"));

        var failure = await fixture.FailureAsync(trace);
        Assert.Equal(("command_silent", "failed"), (failure.Code, failure.Verdict));
        Assert.Contains("CODEGEN_COMMAND_SILENCE_SECONDS", failure.Reason, StringComparison.Ordinal);
        Assert.Equal(0, Sleeping(marker));
    }

    [Fact]
    public async Task A_stopping_worker_ends_the_command_and_hands_the_task_back()
    {
        await using var fixture = await CodegenFixture.StartAsync();
        using var cancelled = new CancellationTokenSource();
        var marker = $"62{Random.Shared.Next(100_000, 999_999)}";
        var delivery = fixture.Delivery(Command($"echo begun; sleep {marker}"));

        var running = fixture.Handler.HandleAsync(delivery, cancelled.Token);
        await Eventually.BecomesAsync(() => fixture.ProgressAsync(delivery.TraceId), text => text.Contains("begun", StringComparison.Ordinal), "the command's first line");
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(0, Sleeping(marker));
        Assert.Equal(0, fixture.WorkingCopies());
    }

    private static PipelineRequest Command(string command, string? task = null) => new() { TaskId = "t", Engine = "command", Command = command.Trim(), Task = task };

    private static int Sleeping(string marker)
    {
        var found = 0;
        foreach (var process in Process.GetProcessesByName("sleep"))
        {
            using (process)
                found += File.Exists($"/proc/{process.Id}/cmdline") && File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(marker, StringComparison.Ordinal) ? 1 : 0;
        }

        return found;
    }
}
