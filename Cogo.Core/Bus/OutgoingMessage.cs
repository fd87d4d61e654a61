using System.Text.Json;

namespace Cogo.Core.Bus;

/// <summary>A message to publish. Everything but route and payload has a default.</summary>
/// <param name="Route">Where it goes.</param>
/// <param name="Payload">A JSON document, as UTF-16 text.</param>
public sealed record OutgoingMessage(Route Route, string Payload)
{
    /// <summary>Longest <see cref="Delay"/> and <see cref="TimeToLive"/>: ten years.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromDays(366 * 10);

    /// <summary>Serializes <paramref name="payload"/> with Cogo's JSON conventions (snake_case, nulls left out).</summary>
    public static OutgoingMessage Of<T>(Route route, T payload) =>
        new(route, JsonSerializer.Serialize(payload, CogoJson.Options));

    public string? Tenant { get; init; }

    /// <summary>32 lowercase hex digits, a W3C trace id. Default: the current activity's, else a new one.</summary>
    public string? TraceId { get; init; }

    /// <summary>A second message with the same key on the same route is not delivered. Default: none, every message is its own.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>
    /// What the key stands for, up to 100 characters: a second message with the key and another fingerprint is refused.
    /// Default: of the payload.
    /// </summary>
    public string? Fingerprint { get; init; }

    /// <summary>Deliveries before the message is dead-lettered; 1 or more. Default: the database's, 5.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>Not delivered before this much time has passed on the database's clock; at most ten years.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>Dead-lettered as expired when not delivered within this time of the database's clock; at most ten years.</summary>
    public TimeSpan? TimeToLive { get; init; }

    /// <summary>Higher goes first; 0 is ordinary. Between -100 and 100.</summary>
    public int Priority { get; init; }
}
