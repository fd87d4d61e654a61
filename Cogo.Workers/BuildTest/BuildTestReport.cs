using System.Text.Json.Serialization;
using Cogo.Core.Artifacts;
using Cogo.Workers.BuildTest.Reports;

namespace Cogo.Workers.BuildTest;

/// <summary>
/// <c>report.json</c>, as <c>configs/report.schema.json</c> describes it. Fields that can be unknown are written as null.
/// </summary>
public sealed record BuildTestReport
{
    public int SchemaVersion { get; init; } = 1;

    public required string TaskId { get; init; }

    public required string TraceId { get; init; }

    public required string AttemptId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? BaseCommit { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PatchSha256 { get; init; }

    /// <summary>Digest of the container image the stages ran in; null: on the machine itself.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? ImageDigest { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Engine { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Model { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public TokenCount? Tokens { get; init; }

    /// <summary>US dollars.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public decimal? Cost { get; init; }

    /// <summary>What was found in the folder: <c>cogo.json</c>, <c>dotnet</c>, <c>node</c>, … or null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Project { get; init; }

    public IReadOnlyList<StageReport> Stages { get; init; } = [];

    public required TestSummary Tests { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public Coverage? Coverage { get; init; }

    /// <summary>One of <see cref="BuildTest.FailureClass"/>; null when passed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FailureClass { get; init; }

    /// <summary>The failure in words, with what to do; null when passed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Message { get; init; }

    /// <summary>Files below the results folder, with paths relative to it.</summary>
    public IReadOnlyList<Artifact> Artifacts { get; init; } = [];

    public required GateReport Gate { get; init; }

    public required Verdict Verdict { get; init; }
}

public sealed record TokenCount(long? Input, long? Output);

/// <summary>One command that was run.</summary>
public sealed record StageReport
{
    /// <summary><c>restore</c>, <c>build</c>, <c>lint</c> or <c>test</c>.</summary>
    public required string Name { get; init; }

    public required string Command { get; init; }

    /// <summary>Exit code; null when a signal or a limit ended it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? Exit { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Signal { get; init; }

    public DateTimeOffset Start { get; init; }

    /// <summary>Seconds.</summary>
    public double Duration { get; init; }

    /// <summary>Ended by the memory limit.</summary>
    public bool Oom { get; init; }

    /// <summary>Ended by the wall clock or by silence.</summary>
    public bool TimedOut { get; init; }

    /// <summary>Ended by the output limit, so the log is not whole.</summary>
    public bool Truncated { get; init; }

    /// <summary>Bytes, of the whole process tree.</summary>
    public long PeakMem { get; init; }

    /// <summary>Bytes on both streams.</summary>
    public long OutputBytes { get; init; }

    /// <summary>Which limit ended it, or <c>none</c>.</summary>
    public Core.Processes.StopReason StopReason { get; init; }

    /// <summary>Path of the log among the artifacts.</summary>
    public required string Log { get; init; }
}

/// <summary>All test reports of the run together.</summary>
public sealed record TestSummary
{
    public int Total { get; init; }

    public int Passed { get; init; }

    public int Failed { get; init; }

    public int Errored { get; init; }

    public int Skipped { get; init; }

    /// <summary>Failing ones first; see <see cref="CasesOmitted"/>.</summary>
    public IReadOnlyList<TestCase> Cases { get; init; } = [];

    /// <summary>How many more there are than the report lists (it lists <see cref="MaxCases"/>).</summary>
    public int CasesOmitted { get; init; }

    public const int MaxCases = 5000;

    public static TestSummary Of(IReadOnlyCollection<TestCase> cases)
    {
        ArgumentNullException.ThrowIfNull(cases);
        int Count(TestOutcome outcome) => cases.Count(test => test.Outcome == outcome);
        return new TestSummary
        {
            Total = cases.Count,
            Passed = Count(TestOutcome.Passed),
            Failed = Count(TestOutcome.Failed),
            Errored = Count(TestOutcome.Errored),
            Skipped = Count(TestOutcome.Skipped),
            Cases = [.. cases.OrderBy(test => test.Outcome is TestOutcome.Passed or TestOutcome.Skipped).Take(MaxCases)],
            CasesOmitted = Math.Max(0, cases.Count - MaxCases),
        };
    }
}

/// <summary>Lines of all coverage reports together: a line that any of them hit is covered.</summary>
public sealed record Coverage(int LinesTotal, int LinesCovered)
{
    /// <summary>0 to 1.</summary>
    public double LineRate => LinesTotal == 0 ? 0 : Math.Round((double)LinesCovered / LinesTotal, 4);
}

public sealed record GateReport(IReadOnlyList<GateRule> Rules, Verdict Verdict);

public sealed record GateRule(string Name, string Expected, string Actual, bool Pass);
