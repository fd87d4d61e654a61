using System.Globalization;
using System.Text;
using Cogo.Core.Gates;

namespace Cogo.Core.Metrics;

/// <summary>The figures of a window as a text that a person reads in a chat or an issue.</summary>
public static class ReportText
{
    /// <param name="acceptance">The same figures held against the thresholds.</param>
    public static string Of(MetricsSummary figures, GateAnswer acceptance)
    {
        ArgumentNullException.ThrowIfNull(figures);
        ArgumentNullException.ThrowIfNull(acceptance);
        var text = new StringBuilder();
        var tasks = figures.Tasks;
        Line($"{Day(figures.Since)} to {Day(figures.Until)} UTC, last {figures.Window}");
        Line("");
        Line($"Tasks: {tasks.Ended} ended, {tasks.Passed} passed, {tasks.Failed} failed, {tasks.Invalid} invalid, {tasks.Infrastructure} failed by the system; {tasks.Running} running, {tasks.Retries} retries");
        foreach (var stage in figures.Latency)
        {
            Line($"{stage.Stage}: p50 {Seconds(stage.P50Ms)}, p90 {Seconds(stage.P90Ms)}, p99 {Seconds(stage.P99Ms)} ({stage.Count})");
        }

        Line("");
        foreach (var rule in acceptance.Rules)
        {
            Line($"{Mark(rule.Verdict)} {rule.Name}: {rule.Actual} (expected {rule.Expected})");
        }

        return text.ToString().TrimEnd();

        void Line(string line) => text.Append(line).Append('\n');
    }

    private static string Mark(GateVerdict verdict) => verdict switch
    {
        GateVerdict.Pass => "✓",
        GateVerdict.Fail => "✗",
        _ => "?",
    };

    private static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Seconds(double milliseconds) => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000:0.###} s");
}
