using System.Text.Json;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Audit;

/// <summary>All that happened under one trace, oldest first.</summary>
public sealed record TraceTimeline
{
    /// <summary>32 lowercase hex digits.</summary>
    public required string TraceId { get; init; }

    /// <summary>Folder of the task's artifacts, once a message or an event names it.</summary>
    public string? TaskId { get; init; }

    /// <summary>What came of the task; absent while it runs.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary>Why the task failed, in a sentence, when an event says so.</summary>
    public string? Reason { get; init; }

    /// <summary>Time of the first message or event, by the database's clock.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Time of the event that decided the verdict.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Messages, events, spans, workflow steps and artifacts by time, then by id.</summary>
    public required IReadOnlyList<TimelineEntry> Timeline { get; init; }

    /// <summary>The timeline was cut at its limit: ask again with <c>after_event</c> set to the highest event id in it.</summary>
    public bool HasMore { get; init; }
}

/// <summary>What an entry is, and which table it comes from.</summary>
public enum TimelineKind
{
    /// <summary>A row of <c>bus_events</c>.</summary>
    Event,

    /// <summary>A row of <c>agent_messages</c>.</summary>
    Message,

    /// <summary>A row of <c>artifacts</c>.</summary>
    Artifact,

    /// <summary>A row of <c>workflow_steps</c>, at the time it began.</summary>
    Step,

    /// <summary>An attempt from its claim to its end, as the event that ended it tells.</summary>
    Span,
}

/// <summary>One entry of a trace.</summary>
public sealed record TimelineEntry
{
    public required DateTimeOffset At { get; init; }

    public required TimelineKind Kind { get; init; }

    /// <summary>Id of the event or of the message: two different sequences. Others have none.</summary>
    public long? Id { get; init; }

    /// <summary>The event's type; for others their kind: <c>message</c>, <c>artifact</c>, <c>step</c>, <c>span</c>.</summary>
    public required string Type { get; init; }

    /// <summary><c>service/role/shard</c>.</summary>
    public string? Route { get; init; }

    /// <summary>The message that an event is about.</summary>
    public long? MessageId { get; init; }

    /// <summary>1 on the first delivery.</summary>
    public int? Attempt { get; init; }

    /// <summary>Who wrote the event.</summary>
    public string? Worker { get; init; }

    /// <summary>Whose message it is.</summary>
    public string? Tenant { get; init; }

    /// <summary>Of an event that ends a first attempt: how long the message waited to be claimed, in milliseconds.</summary>
    public long? QueuedMs { get; init; }

    /// <summary>Of an event that ends an attempt, of a span, and of a step that has ended: how long it ran, in milliseconds.</summary>
    public long? RanMs { get; init; }

    /// <summary>
    /// The event's data; for a message its delivery settings and its payload without the patch; for an artifact its
    /// path, url, bytes, sha256, content_type and task_id; for a step its run_id, number, name, status, verdict and the like; for a
    /// span its name, its end and the event that tells of it.
    /// </summary>
    public JsonElement? Data { get; init; }
}
