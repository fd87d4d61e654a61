using System.ComponentModel;
using System.Text.Json.Serialization;
using Cogo.Core.Gates;
using Cogo.Core.Notifications;

namespace Cogo.Api.Admin;

/// <summary>What to tell the webhook.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record NotifyRequest
{
    /// <summary>One line of up to 200 characters; on GitHub the title of the one issue that is kept for it.</summary>
    [Description("One line of up to 200 characters; on GitHub the title of the one issue that is kept for it.")]
    public string? Subject { get; init; }

    /// <summary>Plain text or Markdown, up to 20,000 characters.</summary>
    [Description("Plain text or Markdown, up to 20,000 characters.")]
    public string? Text { get; init; }

    /// <summary>The trace that it tells of, where its delivery is audited.</summary>
    [Description("The trace that it tells of: 32 lowercase hex digits. Its delivery is audited there. Default: its own.")]
    public string? TraceId { get; init; }
}

/// <summary>Which gate to tell of.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record GateNotifyRequest
{
    /// <summary><c>q1</c> or <c>acceptance</c>.</summary>
    [Description("q1: the pass rate of gates. acceptance: all rules.")]
    public string? Gate { get; init; }

    /// <summary>Such as <c>24h</c>.</summary>
    [Description("How far back figures go, such as 15m, 24h or 7d. Default: what the thresholds say.")]
    public string? Window { get; init; }
}

/// <summary>A notification that is on its way.</summary>
/// <param name="TraceId">Where it is audited whether it was delivered.</param>
/// <param name="Duplicate">It was enqueued before, and nothing new was.</param>
/// <param name="Verdict">What the gate says: the one that is told of, or acceptance over the week.</param>
public sealed record NotificationAccepted(long JobId, string TraceId, string Subject, bool Duplicate, GateVerdict? Verdict, NotificationLinks Links);

/// <summary>Where to look.</summary>
public sealed record NotificationLinks(string Trace);

/// <summary>The weekly report as it would be sent now.</summary>
/// <param name="Week">The ISO week, such as 2026-W02.</param>
/// <param name="Figures">What the picture shows.</param>
public sealed record WeeklyPreview(string Week, string Subject, string Text, WeekFigures Figures, WeeklyLinks Links);

/// <summary>Where the picture is.</summary>
public sealed record WeeklyLinks(string Picture);

/// <summary>A snapshot that was kept.</summary>
/// <param name="Path">Of the artifact.</param>
/// <param name="Url">Where it is served.</param>
/// <param name="Verdict">The gate acceptance over the window.</param>
/// <param name="Duplicate">It was taken before, and nothing new was.</param>
public sealed record SnapshotTaken(string Path, string Url, string TraceId, string Window, GateVerdict Verdict, bool Duplicate);
