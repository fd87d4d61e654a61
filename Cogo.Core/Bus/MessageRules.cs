using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Cogo.Core.Bus;

/// <summary>What the publisher takes, checked before the database is asked, so that the error names the field.</summary>
internal static partial class MessageRules
{
    public static void Check(OutgoingMessage message, int payloadLimitBytes)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.Route == default)
        {
            throw Wrong(nameof(OutgoingMessage.Route), "is missing: say where the message goes");
        }

        CheckPayload(message.Payload, payloadLimitBytes);
        if (message.Priority is < -100 or > 100)
        {
            throw Wrong(nameof(OutgoingMessage.Priority), $"is {message.Priority}: use -100 to 100");
        }

        if (message.MaxAttempts is < 1 or > 1000)
        {
            throw Wrong(nameof(OutgoingMessage.MaxAttempts), $"is {message.MaxAttempts}: use 1 to 1000");
        }

        CheckSpan(message.Delay, nameof(OutgoingMessage.Delay), allowZero: true);
        CheckSpan(message.TimeToLive, nameof(OutgoingMessage.TimeToLive), allowZero: false);
        CheckText(message.Tenant, nameof(OutgoingMessage.Tenant), 200);
        CheckText(message.IdempotencyKey, nameof(OutgoingMessage.IdempotencyKey), 300);
        CheckText(message.Fingerprint, nameof(OutgoingMessage.Fingerprint), 100);
        if (message.TraceId is not null && !TraceIdPattern().IsMatch(message.TraceId))
        {
            throw Wrong(nameof(OutgoingMessage.TraceId), "is not a W3C trace id: 32 lowercase hex digits, not all zero");
        }
    }

    private static void CheckPayload(string payload, int limitBytes)
    {
        ArgumentNullException.ThrowIfNull(payload);
        var bytes = Encoding.UTF8.GetByteCount(payload);
        if (bytes > limitBytes)
        {
            throw new PayloadTooLargeException(bytes, limitBytes);
        }

        var utf8 = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            var reader = new Utf8JsonReader(utf8.AsSpan(0, Encoding.UTF8.GetBytes(payload, utf8)));
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped
                    && reader.GetString()!.Contains('\0', StringComparison.Ordinal))
                {
                    throw Wrong(nameof(OutgoingMessage.Payload), "holds a NUL character (\\u0000), which Postgres cannot store: encode binary content as base64");
                }
            }
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"The message's Payload is not JSON: {e.Message}", nameof(payload), e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8);
        }
    }

    private static void CheckSpan(TimeSpan? span, string name, bool allowZero)
    {
        if (span is { } value && (value < TimeSpan.Zero || (!allowZero && value == TimeSpan.Zero) || value > OutgoingMessage.LongestDelay))
        {
            throw Wrong(name, $"is {value}: use a {(allowZero ? "time" : "positive time")} of at most ten years");
        }
    }

    private static void CheckText(string? text, string name, int most)
    {
        if (text is not null && (text.Length == 0 || text.Length > most || text.Contains('\0', StringComparison.Ordinal)))
        {
            throw Wrong(name, $"must have 1 to {most} characters and no NUL");
        }
    }

    private static ArgumentException Wrong(string name, string rule) => new($"The message's {name} {rule}.", name);

    [GeneratedRegex(@"\A(?!0{32})[0-9a-f]{32}\z", RegexOptions.None, 1000)]
    private static partial Regex TraceIdPattern();
}
