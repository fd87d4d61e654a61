using System.Text.Json;

namespace Cogo.Workers.Jobs.Http;

/// <summary>What an <c>http.*</c> job asks for.</summary>
internal sealed record HttpJobPayload
{
    public required string Url { get; init; }

    /// <summary>Of <c>http.request</c> alone.</summary>
    public string? Method { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>A string is sent as it is, anything else as JSON.</summary>
    public JsonElement? Body { get; init; }

    public int? TimeoutMs { get; init; }

    /// <summary>A status or a list of them; any of 200 to 299 where it is not given.</summary>
    public JsonElement? ExpectStatus { get; init; }

    public long? MaxResponseBytes { get; init; }

    public int? MaxRedirects { get; init; }

    /// <summary>Store the body as an artifact, however small.</summary>
    public bool StoreResponse { get; init; }
}

/// <summary>What became of it.</summary>
/// <param name="Url">Where the answer came from, without its query.</param>
/// <param name="Bytes">Of the body, decompressed.</param>
/// <param name="Body">Text of up to 16 KiB; a larger or binary body is in the artifact.</param>
/// <param name="Artifact">Path of the artifact that holds the body.</param>
internal sealed record HttpJobResult(
    int Status, string Url, int Redirects, string? ContentType, string? Etag, long Bytes, string? Sha256, long DurationMs, string? Body, string? Artifact);
