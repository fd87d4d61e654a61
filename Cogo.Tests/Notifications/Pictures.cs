using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Cogo.Core.Notifications;

namespace Cogo.Tests.Notifications;

/// <summary>Weeks to draw.</summary>
internal static class Pictures
{
    private static readonly DateTimeOffset Since = new(2026, 1, 5, 2, 5, 0, TimeSpan.Zero);

    /// <summary>An ordinary week; <paramref name="scale"/> makes it a busy one.</summary>
    public static WeekFigures Week(long scale = 1) => new()
    {
        Title = "Cogo, week 2026-W03",
        Since = Since,
        Until = Since.AddDays(7),
        Verdict = GateVerdict.Fail,
        Days =
        [
            Day(0, 42 * scale, 3 * scale, 1, 2_310), Day(1, 38 * scale, 9 * scale, 0, 3_920), Day(2, 51 * scale, 2 * scale, 2, 1_840), Day(3, 12 * scale, 14 * scale, 6 * scale, 61_200),
            Day(4, 47 * scale, 0, 0, 2_050), Day(5, 4 * scale, 1, 0, 900), Day(6, 0, 0, 0, null),
        ],
        Rules =
        [
            new WeekRule("failure_rate", "<= 5 %", "3.44 %", GateVerdict.Pass), new WeekRule("p90_latency", "queue_wait <= 5 s", "0.031 s", GateVerdict.Pass),
            new WeekRule("decision_quality", ">= 85 %", "82.7 %", GateVerdict.Fail), new WeekRule("q1_pass_rate", ">= 70 %", "no data", GateVerdict.Unknown),
        ],
        P50Ms = 1_210,
        P90Ms = 8_040,
    };

    public static WeekFigures Empty() => Week() with
    {
        Verdict = GateVerdict.Unknown,
        Days = [.. Enumerable.Range(0, 7).Select(day => Day(day, 0, 0, 0, null))],
        Rules = [.. Week().Rules.Select(rule => rule with { Actual = "no data", Verdict = GateVerdict.Unknown })],
        P50Ms = null,
        P90Ms = null,
    };

    public static DayFigures Day(int day, long passed, long failed, long other, double? p90) => new(Since.AddDays(day), passed, failed, other, p90, passed, failed);
}
