using System.Globalization;
using System.Text.Json;
using Cogo.Core.Indexing;

namespace Cogo.Workers.Indexing;

/// <summary>A line of ctags' JSON. What is damaged is passed over: names are the repository's to choose.</summary>
internal static class CtagsLine
{
    /// <summary>The file's number and what it declares; null for any other line.</summary>
    public static (int File, CodeSymbol Symbol)? Read(string line)
    {
        if (line.Length == 0 || line[0] != '{')
            return null;
        try
        {
            using var document = JsonDocument.Parse(line);
            var tag = document.RootElement;
            if (Text(tag, "_type") != "tag"
                || !int.TryParse(Text(tag, "path")?.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var file)
                || Text(tag, "name") is not { } name || !FileFacts.IsName(name)
                || Number(tag, "line") is not { } at)
            {
                return null;
            }

            var kind = Text(tag, "kind") is { } word && FileFacts.IsName(word) ? word : "symbol";
            var scope = Text(tag, "scope") is { Length: > 0 } outer ? FileFacts.Tidy(outer, FileFacts.LongestSignature) : null;
            var signature = Text(tag, "signature") is { } parameters ? FileFacts.Tidy(name + parameters, FileFacts.LongestSignature) : null;
            return (file, new CodeSymbol(name, kind, scope, signature, at, Number(tag, "end")));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter: escapes that are no text.
            return null;
        }
    }

    private static string? Text(JsonElement tag, string name) =>
        tag.ValueKind == JsonValueKind.Object && tag.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? Number(JsonElement tag, string name) =>
        tag.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0 ? number : null;
}
