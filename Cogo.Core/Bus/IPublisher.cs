namespace Cogo.Core.Bus;

/// <summary>A message that stands in the database.</summary>
/// <param name="Duplicate">The idempotency key was there already: <paramref name="MessageId"/> and <paramref name="TraceId"/> are the first message's.</param>
public sealed record PublishReceipt(long MessageId, string TraceId, bool Duplicate);

/// <summary>Publishes to the bus: one row of <c>public.agent_messages</c> a message, durable when the call returns.</summary>
public interface IPublisher
{
    /// <exception cref="ArgumentException">The payload is no JSON, holds a NUL character or is too large; or a setting of the message is out of range.</exception>
    /// <exception cref="PayloadTooLargeException">The payload has more bytes than <see cref="BusOptions.PayloadLimitBytes"/>.</exception>
    /// <exception cref="IdempotencyConflictException">The key belongs to a message with another payload or fingerprint.</exception>
    Task<PublishReceipt> PublishAsync(OutgoingMessage message, CancellationToken cancellationToken);
}

/// <summary>A payload has more bytes than the bus takes.</summary>
public sealed class PayloadTooLargeException(int bytes, int limitBytes) : ArgumentException(
    $"The message's Payload has {bytes} bytes and the limit is {limitBytes}: store the content as an artifact and send its path.");

/// <summary>An idempotency key was used again for something else.</summary>
public sealed class IdempotencyConflictException(string key, Route route, long messageId) : Exception(
    $"The idempotency key '{key}' on {route} belongs to message {messageId}, which was another request. Use a new key for a new request.")
{
    public long MessageId { get; } = messageId;
}
