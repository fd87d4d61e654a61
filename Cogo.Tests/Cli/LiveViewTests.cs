using System.Text.Json;
using Cogo.Cli.Run;
using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Spectre.Console;
using Xunit;

namespace Cogo.Tests.Cli;

public class LiveViewTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 5, 9, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_step_begins_when_the_one_before_is_done()
    {
        var progress = new RunProgress();
        progress.Submitted(Start);
        Assert.Equal([StepState.Running, StepState.Waiting, StepState.Waiting], progress.Steps.Select(step => step.State));

        progress.Apply(Event("execute_done", 1));
        progress.Apply(Event("codegen_progress", 2, new { text = "reading files" }));
        Assert.Equal([StepState.Done, StepState.Running, StepState.Waiting], progress.Steps.Select(step => step.State));
        Assert.Equal("reading files", progress.Steps[1].Detail);

        progress.Apply(Event("codegen_retry", 3, new { reason = "busy", delay_ms = 1500 }));
        Assert.Equal((StepState.Retrying, "busy, again in 1.50 s"), (progress.Steps[1].State, progress.Steps[1].Detail));

        progress.Apply(Event("codegen_done", 5));
        progress.Apply(Event("buildtest_progress", 5, new { stage = "build", state = "started" }));
        progress.Apply(Event("buildtest_progress", 6, new { stage = "build", state = "ended", exit = 0 }));
        progress.Apply(Event("buildtest_progress", 6, new { stage = "test", state = "started" }));
        Assert.Equal("✓ build 1.00 s  test …", progress.Steps[2].Detail);
        progress.Apply(Event("buildtest_done", 8, new { verdict = "failed" }));
        progress.Judge(new RunResult { Verdict = Verdict.Failed });
        Assert.Equal([StepState.Done, StepState.Done, StepState.Failed], progress.Steps.Select(step => step.State));
        Assert.Equal([1, 4, 3], progress.Steps.Select(step => (int)step.Duration(Start)!.Value.TotalSeconds));
    }

    [Fact]
    public void Events_that_are_not_steps_change_nothing()
    {
        var progress = new RunProgress();

        progress.Apply(Event("message_duplicate", 0));
        progress.Apply(Event("gate_passed", 0));
        progress.Apply(Event("odd", 0));

        Assert.All(progress.Steps, step => Assert.Equal(StepState.Waiting, step.State));
    }

    [Fact]
    public async Task The_screen_ends_with_every_step_and_the_verdict()
    {
        var screen = new SharedWriter();
        var console = Screen(screen, AnsiSupport.Yes, 100);
        await using var view = new LiveRunView(console, TimeProvider.System);

        view.Note("Fetching [Postgres]");
        await Fixtures.Eventually.BecomesTrueAsync(() => screen.ToString().Contains("Fetching [Postgres]", StringComparison.Ordinal), "the note on the screen");
        view.Show(Event("execute_done", 1));
        view.Show(Event("codegen_done", 2, new { engine = "patch" }));
        view.Show(Event("buildtest_done", 4, new { verdict = "passed" }));
        await view.EndAsync(new RunResult { Verdict = Verdict.Passed, TraceId = new string('a', 32) }, null);

        var last = screen.ToString()[screen.ToString().LastIndexOf("dispatch", StringComparison.Ordinal)..];
        Assert.Contains("codegen", last, StringComparison.Ordinal);
        Assert.Contains("build & test", last, StringComparison.Ordinal);
        Assert.Contains("✓ PASSED", last, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(100)]
    public void A_stage_has_one_line_however_long_its_command(int columns)
    {
        var screen = new SharedWriter();
        var command = string.Join(' ', Enumerable.Repeat("--option=\"of a value\"", 20));
        var report = new ReportView
        {
            Stages = [new StageView("restore", "npm ci", 0, null, 1, false, false, null), new StageView("test", command, 137, null, 61, false, false, null)],
        };

        VerdictText.Write(Screen(screen, AnsiSupport.No, columns), new RunResult { Verdict = Verdict.Failed }, report);

        var lines = screen.ToString().Split('\n');
        Assert.EndsWith("npm ci", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("…  exit 137", lines[2], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.True(line.Length <= columns, line));
    }

    private static IAnsiConsole Screen(TextWriter writer, AnsiSupport ansi, int columns)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = ansi,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = columns;
        return console;
    }

    private static TimelineEntry Event(string type, int second, object? data = null) => new()
    {
        At = Start.AddSeconds(second),
        Kind = TimelineKind.Event,
        Id = second,
        Type = type,
        Data = data is null ? null : JsonSerializer.SerializeToElement(data),
    };
}
