using System.Globalization;
using System.Text.Json;

namespace Cogo.Workers.Codegen.OpenAi;

/// <summary>A tool call that cannot be done; the message is for the model.</summary>
internal sealed class ToolException(string message) : Exception(message);

/// <summary>The arguments of one tool call. Models send numbers and flags as strings now and then, so both are taken.</summary>
internal readonly struct ToolArguments
{
    private readonly JsonElement _arguments;

    /// <exception cref="ToolException">Not a JSON object.</exception>
    public ToolArguments(JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
            throw new ToolException("The arguments are not a JSON object.");
        _arguments = arguments;
    }

    /// <exception cref="ToolException">Missing, or empty where it may not be.</exception>
    public string Text(string name, bool mayBeEmpty = false) =>
        Find(name) is { ValueKind: JsonValueKind.String } value && Read(value, name) is var text && (mayBeEmpty || text.Length > 0)
            ? text
            : throw new ToolException($"The argument '{name}' is missing: give it as a string.");

    public string? OptionalText(string name) =>
        Find(name) is { ValueKind: JsonValueKind.String } value && Read(value, name) is { Length: > 0 } text ? text : null;

    /// <exception cref="ToolException">It is there, but is no whole number.</exception>
    public int? OptionalNumber(string name) => Find(name) switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.Number } value when value.TryGetInt32(out var number) => number,
        { ValueKind: JsonValueKind.String } value when int.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        _ => throw new ToolException($"The argument '{name}' must be a whole number."),
    };

    public bool OptionalFlag(string name) => Find(name) switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.String } value => string.Equals(value.GetString(), "true", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };

    /// <summary>Half of a surrogate pair is JSON but no text.</summary>
    private static string Read(JsonElement value, string name)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new ToolException($"The argument '{name}' holds half a character (an unpaired surrogate).");
        }
    }

    private JsonElement? Find(string name) => _arguments.TryGetProperty(name, out var value) ? value : null;
}
