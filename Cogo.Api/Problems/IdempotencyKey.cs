using System.Security.Cryptography;
using System.Text.Json;
using Cogo.Core;

namespace Cogo.Api.Problems;

/// <summary>The header <c>Idempotency-Key</c>.</summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    public const int MaxLength = 255;

    public const string Description = "The same key with the same request is answered with the first receipt, and nothing new is started: safe to send again.";

    /// <summary>What is wrong with it, in a sentence; null: nothing, or it was not sent.</summary>
    public static string? Problem(string? key) => key is not null && (key.Length is 0 or > MaxLength || !key.All(c => c is > ' ' and < (char)127))
        ? $"{Header} must be 1 to {MaxLength} visible ASCII characters without spaces."
        : null;

    /// <summary>What a key stands for: every field of the request, and the endpoint it was sent to.</summary>
    public static string Fingerprint(string endpoint, object request) => Convert.ToHexStringLower(SHA256.HashData(
        [.. System.Text.Encoding.UTF8.GetBytes(endpoint), 0, .. JsonSerializer.SerializeToUtf8Bytes(request, request.GetType(), CogoJson.Options)]));
}
