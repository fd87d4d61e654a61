using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cogo.Workers.Jobs.Browser;

/// <summary>The record of a job's network traffic, without what identifies someone.</summary>
internal static class HarFile
{
    private const string Redacted = "[redacted]";
    private const long LimitBytes = 64 * 1024 * 1024;

    private static readonly HashSet<string> _secretHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Authorization", "Cookie", "Proxy-Authorization", "Set-Cookie", "X-Api-Key", "X-Auth-Token", "X-Csrf-Token",
    };

    /// <summary>The HAR with cookies, credentials and what forms sent taken out; null when there is none, or it is too large to read.</summary>
    public static async Task<MemoryStream?> ReadAsync(string path, CancellationToken cancellationToken)
    {
        // A browser that crashed wrote none.
        if (!File.Exists(path) || new FileInfo(path).Length > LimitBytes)
            return null;
        await using var file = File.OpenRead(path);
        var har = await JsonNode.ParseAsync(file, cancellationToken: cancellationToken);
        foreach (var entry in har?["log"]?["entries"]?.AsArray() ?? [])
        {
            Redact(entry?["request"]);
            Redact(entry?["response"]);
        }

        var result = new MemoryStream();
        await JsonSerializer.SerializeAsync(result, har, cancellationToken: cancellationToken);
        result.Position = 0;
        return result;
    }

    private static void Redact(JsonNode? message)
    {
        foreach (var header in message?["headers"]?.AsArray() ?? [])
        {
            if (header?["name"]?.GetValue<string>() is { } name && _secretHeaders.Contains(name))
                header["value"] = Redacted;
        }

        foreach (var cookie in message?["cookies"]?.AsArray() ?? [])
            cookie!["value"] = Redacted;
        if (message?["postData"] is JsonObject posted)
        {
            posted["text"] = Redacted;
            posted["params"] = new JsonArray();
        }
    }
}
