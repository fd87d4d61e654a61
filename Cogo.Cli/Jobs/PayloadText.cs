using System.Text.Json;
using System.Text.Json.Nodes;
using Cogo.Core;

namespace Cogo.Cli.Jobs;

/// <summary>The payload of a job as the command line gives it.</summary>
internal static class PayloadText
{
    /// <param name="given">Of <c>--payload</c>, or null.</param>
    /// <param name="file">Of <c>--payload-file</c>, or null; <c>-</c> is standard input.</param>
    /// <exception cref="InputException">It cannot be read, or is no JSON object whose properties each stand once.</exception>
    public static async Task<JsonObject> ReadAsync(string? given, string? file, Surroundings surroundings, CancellationToken cancellationToken)
    {
        if (given is not null && file is not null)
        {
            throw new InputException("--payload and --payload-file each say what the payload is. Leave out one of them.");
        }

        var text = file is null ? given ?? "{}" : await ReadFileAsync(file, surroundings, cancellationToken);
        var source = file is null ? "--payload" : "--payload-file";
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject
                ?? throw new InputException($"{source} is JSON, but no object: write {{\"name\": value, ...}}.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{source} is not JSON: {e.Message}", e);
        }
    }

    /// <summary>The properties of every object in the order of their names, without blanks; numbers as they were written.</summary>
    public static string Canonical(JsonNode? node) => node switch
    {
        JsonObject one => $"{{{string.Join(',', one.OrderBy(property => property.Key, StringComparer.Ordinal).Select(property => $"{JsonSerializer.Serialize(property.Key, CogoJson.Options)}:{Canonical(property.Value)}"))}}}",
        JsonArray list => $"[{string.Join(',', list.Select(Canonical))}]",
        null => "null",
        _ => node.ToJsonString(CogoJson.Options),
    };

    private static async Task<string> ReadFileAsync(string file, Surroundings surroundings, CancellationToken cancellationToken)
    {
        try
        {
            using var reader = new StreamReader(file == "-" ? surroundings.Input() : File.OpenRead(surroundings.FullPath(file)));
            return await reader.ReadToEndAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The payload in '{file}' cannot be read: {e.Message}", e);
        }
    }
}
