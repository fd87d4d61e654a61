using System.Text.Json;
using Cogo.Core;

namespace Cogo.Cli.Run;

/// <summary>What the command line shows of <c>report.json</c>; the rest passes through as it is.</summary>
internal sealed record ReportView
{
    public string? FailureClass { get; init; }

    public string? Message { get; init; }

    public IReadOnlyList<StageView> Stages { get; init; } = [];

    public TestsView Tests { get; init; } = new();

    /// <exception cref="ServerException">It does not have the shape of a report.</exception>
    public static ReportView Of(JsonElement report)
    {
        try
        {
            return report.Deserialize<ReportView>(CogoJson.Options) ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            throw new ServerException($"report.json does not read at {e.Path ?? "$"}. The server may be of another version: compare `cogo version` with its /api/integration/status.", e);
        }
    }
}

/// <summary>One command of restore, build or test.</summary>
/// <param name="Exit">Null when a signal or a limit ended it.</param>
/// <param name="Duration">Seconds.</param>
internal sealed record StageView(string Name, string? Command, int? Exit, string? Signal, double Duration, bool TimedOut, bool Oom, string? Log)
{
    public bool Succeeded => Exit == 0 && !TimedOut && !Oom;

    public string Ending => TimedOut ? "took too long" : Oom ? "out of memory" : Exit is { } code ? $"exit {code}" : $"ended by {Signal ?? "a limit"}";
}

internal sealed record TestsView
{
    public int Total { get; init; }

    public int Passed { get; init; }

    public int Failed { get; init; }

    public int Errored { get; init; }

    public int Skipped { get; init; }

    public IReadOnlyList<TestCaseView> Cases { get; init; } = [];

    public IEnumerable<TestCaseView> Failing => Cases.Where(test => test.Outcome is "failed" or "errored");

    /// <summary>In words, without what is zero.</summary>
    public string Counts
    {
        get
        {
            var parts = new[] { (Passed, "passed"), (Failed, "failed"), (Errored, "errored"), (Skipped, "skipped") };
            return Total == 0 ? "no tests" : string.Join(", ", parts.Where(part => part.Item1 > 0).Select(part => $"{part.Item1} {part.Item2}"));
        }
    }
}

/// <param name="File">Relative to the repository.</param>
internal sealed record TestCaseView(string Name, string? Suite, string Outcome, string? Message, string? File, int? Line)
{
    public string FullName => Suite is null || Name.StartsWith(Suite, StringComparison.Ordinal) ? Name : $"{Suite} › {Name}";

    public string? Place => File is null ? null : Line is { } line ? $"{File}:{line}" : File;
}
