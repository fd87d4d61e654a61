using Microsoft.Net.Http.Headers;

namespace Cogo.Api.Artifacts;

/// <summary>The type an artifact is served with: the row's, else what its name says, so that text opens in the browser.</summary>
internal static class ArtifactContentType
{
    private const string Unknown = "application/octet-stream";

    private static readonly Dictionary<string, string> ByExtension = new(StringComparer.OrdinalIgnoreCase)
    {
        [".json"] = "application/json",
        [".xml"] = "application/xml",
        [".trx"] = "application/xml",
        [".html"] = "text/html",
        [".log"] = "text/plain",
        [".txt"] = "text/plain",
        [".diff"] = "text/plain",
        [".patch"] = "text/plain",
        [".tap"] = "text/plain",
        [".md"] = "text/plain",
        [".png"] = "image/png",
        [".jpg"] = "image/jpeg",
        [".svg"] = "image/svg+xml",
    };

    public static string Of(string path, string? recorded)
    {
        var type = MediaTypeHeaderValue.TryParse(recorded, out var parsed) && parsed.MediaType != Unknown && parsed.Type != "*"
            ? parsed.ToString()
            : ByExtension.GetValueOrDefault(Path.GetExtension(path), Unknown);
        return type.Contains("charset", StringComparison.OrdinalIgnoreCase)
            || !(type.StartsWith("text/", StringComparison.Ordinal) || type is "application/json" or "application/xml")
            ? type
            : $"{type}; charset=utf-8";
    }
}
