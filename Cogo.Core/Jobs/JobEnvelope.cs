using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Cogo.Core.Bus;

namespace Cogo.Core.Jobs;

/// <summary>A job as the payload of its message: <c>{"type", "concurrency_key"?, "concurrency_limit"?, "payload"}</c>.</summary>
internal sealed partial record JobEnvelope(string Type, JsonElement Payload, string? ConcurrencyKey, int ConcurrencyLimit)
{
    private const int MostKeyCharacters = 300;

    /// <exception cref="ArgumentException">A field cannot be right; the message names it.</exception>
    public static OutgoingMessage Seal(JobRequest job)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (job.Type is null || !TypePattern().IsMatch(job.Type))
        {
            throw new ArgumentException($"The job's type is '{job.Type}': use 1 to 63 characters of a-z 0-9 . _ - that start with a letter or a digit.", nameof(job));
        }

        if (job.ConcurrencyKey is { Length: 0 or > MostKeyCharacters } || job.ConcurrencyKey?.Contains('\0', StringComparison.Ordinal) == true)
        {
            throw new ArgumentException("The job's ConcurrencyKey must have 1 to 300 characters, none of them NUL.", nameof(job));
        }

        if (job.ConcurrencyLimit < 1)
        {
            throw new ArgumentException($"The job's ConcurrencyLimit is {job.ConcurrencyLimit}: use 1 or more.", nameof(job));
        }

        return new OutgoingMessage(JobRoute.Of(job.Queue, job.ExecutorId), Write(job))
        {
            Tenant = job.Tenant,
            TraceId = job.TraceId,
            IdempotencyKey = job.IdempotencyKey,
            MaxAttempts = job.MaxAttempts,
            Delay = job.Delay,
            TimeToLive = job.TimeToLive,
            Priority = job.Priority,
        };
    }

    /// <summary>Null when the message is no job: somebody wrote to the route by hand. As <c>cogo_claim_jobs</c> reads it.</summary>
    public static JobEnvelope? Open(string message)
    {
        using var document = JsonDocument.Parse(message);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        var key = root.TryGetProperty("concurrency_key", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString() : null;
        if (key?.Length > MostKeyCharacters)
        {
            return null;
        }

        return new JobEnvelope(
            type.GetString()!,
            root.TryGetProperty("payload", out var payload) ? payload.Clone() : default,
            key,
            root.TryGetProperty("concurrency_limit", out var limit) && limit.ValueKind == JsonValueKind.Number && limit.TryGetInt32(out var most)
                ? Math.Max(1, most)
                : 1);
    }

    /// <summary>The type of a job as <see cref="Seal"/> writes it, without reading the payload; null when it stands otherwise.</summary>
    public static string? TypeOf(string message)
    {
        const string Start = "{\"type\":\"";
        var end = message.StartsWith(Start, StringComparison.Ordinal) ? message.IndexOf('"', Start.Length) : -1;
        return end < 0 ? null : message[Start.Length..end];
    }

    private static string Write(JobRequest job)
    {
        ArgumentNullException.ThrowIfNull(job.Payload);
        var buffer = new ArrayBufferWriter<byte>(job.Payload.Length + 64);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("type", job.Type);
            if (job.ConcurrencyKey is { } key)
            {
                writer.WriteString("concurrency_key", key);
                writer.WriteNumber("concurrency_limit", job.ConcurrencyLimit);
            }

            writer.WritePropertyName("payload");
            try
            {
                writer.WriteRawValue(job.Payload);
            }
            catch (Exception e) when (e is JsonException or ArgumentException)
            {
                throw new ArgumentException($"The job's Payload is not JSON: {e.Message}", nameof(job), e);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex TypePattern();
}
