using Cogo.Core.Gates;

namespace Cogo.Core.Metrics;

/// <summary>The stages whose latency is measured.</summary>
public static class Stages
{
    /// <summary>From when a message could be delivered to its claim.</summary>
    public const string QueueWait = "queue_wait";

    /// <summary>A codegen attempt, from its claim to its result.</summary>
    public const string Codegen = "codegen";

    /// <summary>The build command.</summary>
    public const string Build = "build";

    /// <summary>The test command.</summary>
    public const string Test = "test";

    /// <summary>From when the task's first message could be delivered to the verdict about its change.</summary>
    public const string EndToEnd = "end_to_end";

    public static IReadOnlyList<string> All { get; } = [QueueWait, Codegen, Build, Test, EndToEnd];
}

/// <summary>Latency of one stage in milliseconds.</summary>
/// <param name="Stage">One of <see cref="Stages"/>.</param>
/// <param name="Route">Null: of all routes and tenants together, or of events without one.</param>
/// <param name="Count">How many were measured.</param>
public sealed record StageLatency(string Stage, string? Route, string? Tenant, long Count, double P50Ms, double P90Ms, double P99Ms, double MaxMs);

/// <summary>Latency by stage.</summary>
/// <param name="Window">As it was asked for, such as <c>24h</c>.</param>
/// <param name="Stages">One entry a stage that was measured at all.</param>
/// <param name="Breakdown">The same by route and tenant, the busiest first; 500 entries at most, with those above.</param>
public sealed record LatencyFigures(
    string Window, DateTimeOffset Since, DateTimeOffset Until, IReadOnlyList<StageLatency> Stages, IReadOnlyList<StageLatency> Breakdown);

/// <summary>Tasks that ended in the window, by verdict.</summary>
/// <param name="Infrastructure">Ended without a verdict about the change, through the fault of the system.</param>
/// <param name="Running">Began in the window and have not ended.</param>
/// <param name="Retries">Attempts that were put back to be tried again.</param>
/// <param name="FailureRate">Share of ended tasks that the system failed: infrastructure by ended. Null: none ended.</param>
/// <param name="PassRate">Passed by passed and failed. Null: there is no verdict.</param>
/// <param name="Repaired">Of those that passed: red at first, under the same trace.</param>
public sealed record TaskFigures(
    long Ended, long Passed, long Failed, long Invalid, long Infrastructure, long Running, long Retries, double? FailureRate, double? PassRate, long Repaired);

/// <summary>Decisions of one kind.</summary>
/// <param name="Kind"><c>dispatch</c>, <c>codegen</c> or <c>verdict</c>.</param>
/// <param name="Engine">Of codegen: who decided.</param>
/// <param name="Judged">Decisions that a later step judged.</param>
/// <param name="Held">Those of them that it bore out.</param>
public sealed record DecisionKind(string Kind, string? Engine, long Judged, long Held, double Score);

/// <summary>How many decisions held, as <c>docs/metrics.md</c> defines it.</summary>
/// <param name="Score">Held by judged, 0 to 1; null: none was judged.</param>
public sealed record DecisionQuality(
    string Window, DateTimeOffset Since, DateTimeOffset Until, double? Score, long Judged, long Held, IReadOnlyList<DecisionKind> Decisions);

/// <summary>What an operator looks at first.</summary>
public sealed record MetricsSummary(
    string Window, DateTimeOffset Since, DateTimeOffset Until, TaskFigures Tasks, IReadOnlyList<StageLatency> Latency, DecisionScore DecisionQuality, GateCount Gates);

/// <summary>The score without its parts.</summary>
public sealed record DecisionScore(double? Score, long Judged, long Held);

/// <summary>24 hours.</summary>
/// <param name="Since">When they begin.</param>
/// <param name="Passed">Tasks that ended with this verdict.</param>
/// <param name="Other">Tasks that ended without a verdict about their change.</param>
/// <param name="P90Ms">From a task's first message to its verdict; null: there was none.</param>
/// <param name="GatesPassed">Traces whose last gate of the window fell on this day, and passed.</param>
public sealed record DayFigures(DateTimeOffset Since, long Passed, long Failed, long Other, double? P90Ms, long GatesPassed, long GatesFailed);
