using Cogo.Core.Audit;

namespace Cogo.Core.Notifications;

/// <summary>What to tell: the payload of a job <see cref="JobType"/>.</summary>
public sealed record Notification
{
    /// <summary>The job that delivers it.</summary>
    public const string JobType = "notify.webhook";

    /// <summary>In characters.</summary>
    public const int LongestSubject = 200;

    /// <summary>In characters.</summary>
    public const int LongestText = 20_000;

    /// <summary>One line; on GitHub the title of the one issue that is kept for it.</summary>
    public required string Subject { get; init; }

    /// <summary>Plain text or Markdown.</summary>
    public required string Text { get; init; }

    /// <summary>The trace that it tells of; what becomes of the notification is audited there. Null: its job's own.</summary>
    public string? TraceId { get; init; }

    /// <summary>The week that it tells of, to be drawn; null: none.</summary>
    public WeekFigures? Week { get; init; }

    /// <summary>What is wrong with each field, in a sentence; empty: nothing.</summary>
    public IReadOnlyDictionary<string, string> Problems()
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Subject.Length is 0 or > LongestSubject || Subject.Any(char.IsControl))
        {
            problems["subject"] = $"subject must be one line of 1 to {LongestSubject} characters";
        }

        if (Text.Length is 0 or > LongestText || Text.Contains('\0', StringComparison.Ordinal))
        {
            problems["text"] = $"text must have 1 to {LongestText} characters, none of them NUL";
        }

        if (TraceId is not null && !TraceReader.IsTraceId(TraceId))
        {
            problems["trace_id"] = "trace_id must have 32 lowercase hex digits";
        }

        if (Week?.Problem() is { } problem)
        {
            problems["week"] = $"week {problem}";
        }

        return problems;
    }
}
