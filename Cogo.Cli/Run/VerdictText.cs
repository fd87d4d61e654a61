using Cogo.Core.Pipeline;
using Spectre.Console;

namespace Cogo.Cli.Run;

/// <summary>What a person reads at the end: the verdict, the stages, the failing tests, and where everything is.</summary>
internal static class VerdictText
{
    private const int MaxCases = 20;
    private const int MaxCommand = 120;
    private const int MaxMessageLines = 8;
    private static readonly Style Dim = new(decoration: Decoration.Dim);
    private static readonly Style Bold = new(decoration: Decoration.Bold);

    public static void Write(IAnsiConsole console, RunResult result, ReportView? report)
    {
        if (report is { Stages.Count: > 0 })
        {
            console.WriteLine();
            foreach (var stage in report.Stages)
            {
                WriteStage(console, stage);
            }
        }

        if (report is not null)
        {
            WriteFailing(console, report);
        }

        console.WriteLine();
        WriteVerdict(console, result, report);
        console.WriteLine();
        WritePlaces(console, result, report);
    }

    public static (string Mark, string Word, Color Color) Look(Verdict verdict) => verdict switch
    {
        Verdict.Passed => ("✓", "PASSED", Color.Green),
        Verdict.Failed => ("✗", "FAILED", Color.Red),
        Verdict.Invalid => ("!", "INVALID", Color.Yellow),
        _ => ("!", "INFRASTRUCTURE", Color.Yellow),
    };

    private static void WriteStage(IAnsiConsole console, StageView stage)
    {
        console.Write(new Text(stage.Succeeded ? "  ✓ " : "  ✗ ", stage.Succeeded ? Color.Green : Color.Red));
        var timed = $"{Terminal.OneLine(stage.Name, 20),-8} {Durations.Show(TimeSpan.FromSeconds(Math.Max(0, stage.Duration))),10}  ";
        var ending = stage.Succeeded ? "" : $"  {stage.Ending}";
        console.Write(new Text(timed));
        // Within its line: the terminal would break it at a blank.
        console.Write(new Text(Terminal.OneLine(stage.Command ?? "", Math.Clamp(console.Profile.Width - 5 - timed.Length - ending.Length, 1, MaxCommand)), Dim));
        console.Write(new Text(ending, Color.Red));

        console.WriteLine();
    }

    private static void WriteFailing(IAnsiConsole console, ReportView report)
    {
        var failing = report.Tests.Failing.ToList();
        foreach (var test in failing.Take(MaxCases))
        {
            console.WriteLine();
            console.Write(new Text("  ✗ ", Color.Red));
            console.Write(new Text(Terminal.OneLine(test.FullName, 300), Bold));
            console.WriteLine();
            if (test.Place is not null)
            {
                console.Write(new Text($"    {Terminal.OneLine(test.Place, 500)}", Color.Aqua));
                console.WriteLine();
            }

            foreach (var line in MessageLines(test.Message))
            {
                console.WriteLine($"    {line}");
            }
        }

        if (failing.Count > MaxCases)
        {
            console.WriteLine();
            console.WriteLine($"  … and {failing.Count - MaxCases} more in report.json.");
        }
    }

    private static List<string> MessageLines(string? message)
    {
        var lines = Terminal.Clean(message ?? "").Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0).ToList();
        return lines.Count <= MaxMessageLines ? lines : [.. lines.Take(MaxMessageLines - 1), "…"];
    }

    private static void WriteVerdict(IAnsiConsole console, RunResult result, ReportView? report)
    {
        var (mark, word, color) = Look(result.Verdict);
        console.Write(new Text($"{mark} {word}", new Style(color, decoration: Decoration.Bold)));
        var details = new[] { result.Code, report is { Tests.Total: > 0 } ? report.Tests.Counts : null }.Where(text => !string.IsNullOrEmpty(text)).ToList();
        if (details.Count > 0)
        {
            console.Write(new Text($"  {Terminal.OneLine(string.Join(" · ", details), 200)}"));
        }

        console.WriteLine();
        // The failing tests have told it already, and better.
        if (!string.IsNullOrWhiteSpace(result.Reason) && !(result.Code == "tests_failed" && report?.Tests.Failing.Any() == true))
        {
            foreach (var line in MessageLines(result.Reason))
            {
                console.WriteLine($"  {line}");
            }
        }
    }

    private static void WritePlaces(IAnsiConsole console, RunResult result, ReportView? report)
    {
        WritePlace("Report", result.Artifacts.FirstOrDefault(artifact => artifact.Path.EndsWith("/build-test/report.json", StringComparison.Ordinal)));
        WritePlace("Change", result.Artifacts.FirstOrDefault(artifact => artifact.Path.EndsWith("/codegen/change.diff", StringComparison.Ordinal)));
        if (report?.Stages.FirstOrDefault(stage => !stage.Succeeded)?.Log is { } log)
        {
            WritePlace("Log", result.Artifacts.FirstOrDefault(artifact => artifact.Path == log));
        }

        if (result.Artifacts is [var first, ..] && first.Path.Split('/') is [var task, ..])
        {
            var count = result.Artifacts.Count == 1 ? "1 file" : $"{result.Artifacts.Count} files";
            WriteLine("Artifacts", first.File is { } file
                ? $"{file[..^first.Path.Length]}{task}{Path.DirectorySeparatorChar}  ({count})"
                : $"{new Uri(first.Url!, $"/api/artifacts/index?task_id={task}")}  ({count})");
        }

        if (result.TraceId is not null)
        {
            WriteLine("Trace", result.TraceId);
        }

        void WritePlace(string label, RunArtifact? artifact)
        {
            if (artifact is not null)
            {
                WriteLine(label, artifact.File ?? artifact.Url?.ToString() ?? artifact.Path);
            }
        }

        void WriteLine(string label, string value)
        {
            console.Write(new Text($"  {label,-11}", Dim));
            console.WriteLine(value);
        }
    }
}
