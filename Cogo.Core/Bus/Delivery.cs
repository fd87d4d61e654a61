namespace Cogo.Core.Bus;

/// <summary>One attempt at one message. Its <see cref="Fence"/> ends with the attempt: whoever holds an older one can finish nothing.</summary>
public sealed record Delivery
{
    public required long MessageId { get; init; }

    public required Route Route { get; init; }

    public string? Tenant { get; init; }

    /// <summary>32 hex digits.</summary>
    public required string TraceId { get; init; }

    /// <summary>W3C traceparent of the publisher, when it had one.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The publisher's key, or <c>message:&lt;id&gt;</c>: the same on every attempt.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>The JSON document, as text.</summary>
    public required string Payload { get; init; }

    /// <summary>1 on the first delivery; counted when the message is claimed, so a crash counts too.</summary>
    public required int Attempt { get; init; }

    public required int MaxAttempts { get; init; }

    public required int Priority { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The claim this attempt belongs to.</summary>
    public required long Fence { get; init; }
}
