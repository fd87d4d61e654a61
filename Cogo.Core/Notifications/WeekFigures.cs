using Cogo.Core.Gates;
using Cogo.Core.Metrics;

namespace Cogo.Core.Notifications;

/// <summary>A week in figures, as its picture shows it.</summary>
public sealed record WeekFigures
{
    private const int MostDays = 31;
    private const int MostRules = 20;
    private const int LongestText = 200;

    /// <summary>Heads the picture, such as <c>Cogo, week 2026-W02</c>.</summary>
    public required string Title { get; init; }

    public required DateTimeOffset Since { get; init; }

    public required DateTimeOffset Until { get; init; }

    /// <summary>The gate <c>acceptance</c> over the week.</summary>
    public required GateVerdict Verdict { get; init; }

    /// <summary>Oldest first, each 24 h long.</summary>
    public required IReadOnlyList<DayFigures> Days { get; init; }

    /// <summary>The rules of the gate.</summary>
    public required IReadOnlyList<WeekRule> Rules { get; init; }

    /// <summary>From a task's first message to its verdict; null: there was none.</summary>
    public double? P50Ms { get; init; }

    /// <inheritdoc cref="P50Ms"/>
    public double? P90Ms { get; init; }

    /// <summary>Why it cannot be drawn, as the end of a sentence; null: it can.</summary>
    public string? Problem() =>
        Days.Count is 0 or > MostDays ? $"must have 1 to {MostDays} days"
        : Rules.Count > MostRules ? $"must have at most {MostRules} rules"
        : Days.Any(day => day is null) || Rules.Any(rule => rule?.Name is null || rule.Expected is null || rule.Actual is null) ? "must hold no null"
        : Title.Length > LongestText || Rules.Any(rule => rule.Name.Length > LongestText || rule.Expected.Length > LongestText || rule.Actual.Length > LongestText)
            ? $"must have texts of at most {LongestText} characters"
        : null;
}

/// <summary>One rule of the gate, without its reason.</summary>
public sealed record WeekRule(string Name, string Expected, string Actual, GateVerdict Verdict);
