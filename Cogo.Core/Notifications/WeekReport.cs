using System.Globalization;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;

namespace Cogo.Core.Notifications;

/// <summary>The last seven days as a text and as figures to be drawn.</summary>
/// <param name="Week">The ISO week it is written in, such as <c>2026-W02</c>.</param>
public sealed record WeekReport(string Week, string Subject, string Text, WeekFigures Figures)
{
    private const int Days = 7;

    private static readonly MetricsWindow Window = new(TimeSpan.FromDays(Days));

    /// <summary>The key under which it is told once a calendar week.</summary>
    public string OnceKey => $"weekly:{Week}";

    /// <summary>What is sent.</summary>
    public Notification ToNotification() => new() { Subject = Subject, Text = Text, Week = Figures };

    /// <summary>Reads the figures up to now.</summary>
    public static async Task<WeekReport> ReadAsync(MetricsReader metrics, QualityThresholds thresholds, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        ArgumentNullException.ThrowIfNull(time);
        var until = time.GetUtcNow();
        var summary = await metrics.SummaryAsync(new MetricsScope(Window), cancellationToken);
        var days = await metrics.DaysAsync(Days, cancellationToken);
        var acceptance = QualityGate.JudgeAcceptance(thresholds, summary);
        var week = string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(until.UtcDateTime)}-W{ISOWeek.GetWeekOfYear(until.UtcDateTime):00}");
        var subject = $"Cogo, week {week}";
        var whole = summary.Latency.FirstOrDefault(stage => stage.Stage == Stages.EndToEnd);
        return new WeekReport(week, subject, ReportText.Of(summary, acceptance), new WeekFigures
        {
            Title = subject,
            Since = summary.Since,
            Until = until,
            Verdict = acceptance.Verdict,
            Days = days,
            Rules = [.. acceptance.Rules.Select(rule => new WeekRule(rule.Name, rule.Expected, rule.Actual, rule.Verdict))],
            P50Ms = whole?.P50Ms,
            P90Ms = whole?.P90Ms,
        });
    }
}
