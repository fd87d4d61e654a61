using System.Globalization;
using Cogo.Core.Metrics;

namespace Cogo.Core.Gates;

/// <summary>Holds figures against thresholds.</summary>
public static class QualityGate
{
    public const string Q1 = "q1";
    public const string Acceptance = "acceptance";

    private const string NoData = "no data";

    /// <summary>One rule: the pass rate of gates.</summary>
    public static GateAnswer JudgeQ1(QualityThresholds thresholds, string window, GateCount gates)
    {
        ArgumentNullException.ThrowIfNull(thresholds);
        ArgumentNullException.ThrowIfNull(gates);
        return GateAnswer.Of(Q1, window, [Q1Rule(thresholds, window, gates)]);
    }

    /// <summary>All rules: failure rate, p90 latency, decision quality, pass rate.</summary>
    public static GateAnswer JudgeAcceptance(QualityThresholds thresholds, MetricsSummary summary)
    {
        ArgumentNullException.ThrowIfNull(thresholds);
        ArgumentNullException.ThrowIfNull(summary);
        var (tasks, decisions) = (summary.Tasks, summary.DecisionQuality);
        var bound = thresholds.P90Latency;
        var stage = summary.Latency.FirstOrDefault(one => one.Stage == bound.Stage);
        return GateAnswer.Of(Acceptance, summary.Window,
        [
            Rule(thresholds, "failure_rate", $"<= {Percent(thresholds.FailureRate.Max)}", tasks.FailureRate, tasks.Ended, Percent,
                rate => rate <= thresholds.FailureRate.Max,
                $"{tasks.Infrastructure} of {tasks.Ended} tasks that ended within {summary.Window} were failed by the system",
                $"No task ended within {summary.Window}", "/api/metrics/events?type=buildtest_failed names the causes"),
            Rule(thresholds, "p90_latency", $"{bound.Stage} <= {Seconds(bound.MaxSeconds)}", stage?.P90Ms / 1000, stage?.Count ?? 0, Seconds,
                p90 => p90 <= bound.MaxSeconds,
                $"{bound.Stage} of {stage?.Count ?? 0} measurements within {summary.Window}",
                $"{bound.Stage} was not measured within {summary.Window}", "/api/metrics/latency shows the routes"),
            Rule(thresholds, "decision_quality", $">= {Percent(thresholds.DecisionQuality.Min)}", decisions.Score, decisions.Judged, Percent,
                score => score >= thresholds.DecisionQuality.Min,
                $"{decisions.Held} of {decisions.Judged} decisions that were judged within {summary.Window} held",
                $"No decision was judged within {summary.Window}", "/api/metrics/decision-quality shows which did not"),
            Q1Rule(thresholds, summary.Window, summary.Gates),
        ]);
    }

    private static GateRule Q1Rule(QualityThresholds thresholds, string window, GateCount gates) => Rule(
        thresholds, "q1_pass_rate", $">= {Percent(thresholds.Q1PassRate.Min)}", gates.PassRate, gates.Passed + gates.Failed, Percent,
        rate => rate >= thresholds.Q1PassRate.Min,
        $"{gates.Passed} of {gates.Passed + gates.Failed} traces passed their last gate within {window}",
        $"No gate spoke within {window}", "/api/metrics/gate/summary shows the gates");

    private static GateRule Rule(
        QualityThresholds thresholds, string name, string expected, double? actual, long samples, Func<double, string> show,
        Func<double, bool> holds, string fact, string nothing, string advice)
    {
        if (actual is not { } value)
        {
            return new GateRule(name, expected, NoData, GateVerdict.Unknown, $"{nothing}, so there is nothing to judge: let some work run first, or widen the window.");
        }

        if (samples < thresholds.MinSamples)
        {
            return new GateRule(name, expected, show(value), GateVerdict.Unknown, $"{fact}; that is fewer than min_samples {thresholds.MinSamples}.");
        }

        return holds(value)
            ? new GateRule(name, expected, show(value), GateVerdict.Pass, $"{fact}.")
            : new GateRule(name, expected, show(value), GateVerdict.Fail, $"{fact}; {advice}.");
    }

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.##} %");

    private static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.###} s");
}
