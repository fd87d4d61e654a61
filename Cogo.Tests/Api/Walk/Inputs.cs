using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cogo.Tests.Api.Walk;

/// <summary>What is sent to an operation in place of a good request, made from nothing but the document.</summary>
internal static class Inputs
{
    private const int LongText = 200_000;

    private static readonly (string What, string Value)[] HostileTexts =
    [
        ("nothing", ""),
        ("a blank", " "),
        ("NUL", "a\0b"),
        ("control characters", "a\u0001\u001b[31m\u007f\u0085b"),
        ("line breaks", "a\r\nb"),
        ("SQL", "'; drop table agent_messages; --"),
        ("quotes", "\"'`\\"),
        ("wildcards", "%_*?[a-z]{2}"),
        ("path traversal", "../../../../etc/passwd"),
        ("path traversal in disguise", "..%2f..%2fetc/passwd"),
        ("markup", "<script>alert(1)</script>{{7*7}}${7*7}"),
        ("right to left", "\u202etxt.exe\u200b"),
        ("emoji", "\U0001F4A9\U0001F468\u200d\U0001F469"),
        ("a huge number", "99999999999999999999999999999999"),
        ("a negative number", "-9223372036854775808"),
        ("not a number", "NaN"),
        ("an exponent", "1e400"),
        ("the last day", "9999-12-31T23:59:59.9999999Z"),
        ("no day", "0000-00-00T99:99:99Z"),
        ("an option", "--upload-pack=touch"),
        ("other digits", "١٢٣"),
        ("a cursor of nobody", "YWJjCjYzOTMwODQ3NTY4MDY4NDI0MDAwMDAwMAp4"),
    ];

    /// <summary>Bytes of a URL that are no text.</summary>
    private static readonly (string What, string Value)[] HostileEscapes =
    [
        ("an escaped NUL", "a%00b"),
        ("bytes that are no UTF-8", "%ff%fe%c0%ae"),
        ("half a surrogate pair", "%ed%a0%80"),
        ("a broken escape", "%zz%"),
        ("dots", "%2e%2e"),
        ("dots and a slash", "%2e%2e%2f%2e%2e%2fetc"),
        ("a long text", new string('a', 6_000)),
        ("more than a line of HTTP has", new string('a', 20_000)),
    ];

    private static readonly (string Type, string Json)[] OtherTypes =
    [
        ("string", "\"x\""), ("integer", "1.5"), ("integer", "1e400"), ("integer", "99999999999999999999"), ("boolean", "true"), ("array", "[\"x\"]"), ("object", "{\"a\":{\"b\":[]}}"), ("number", "0.5"),
    ];

    /// <summary>The good call with each of the words that a parameter or a field may be.</summary>
    public static IEnumerable<Call> Words(ServedDocument document, Call good)
    {
        foreach (var parameter in good.Operation.Parameters)
        {
            foreach (var word in parameter.Words)
            {
                yield return good.With(parameter.Name, word) with { What = $"{parameter.Name}={word}" };
            }
        }

        foreach (var field in good.Operation.Body is { } schema ? document.Fields(schema) : [])
        {
            foreach (var word in field.Words)
            {
                yield return With(good, field.Name, JsonSerializer.Serialize(word)) with { What = $"{field.Name}: {word}" };
            }
        }
    }

    /// <summary>The good call with one thing missing.</summary>
    public static IEnumerable<Call> Missing(ServedDocument document, Call good)
    {
        foreach (var parameter in good.Operation.Parameters.Where(parameter => parameter.In != "path" && good.Values.ContainsKey(parameter.Name)))
        {
            yield return good with { Values = good.Values.Remove(parameter.Name), What = $"without {parameter.Name}", IsWrong = parameter.Required, Named = parameter.Required ? parameter.Name : null };
        }

        if (good.Operation.Body is not { } schema)
        {
            yield break;
        }

        yield return good with { Body = null, What = "no body", IsWrong = true };
        yield return good.With("") with { What = "an empty body", IsWrong = true };
        yield return good.With("{}") with { What = "an object without fields", IsWrong = document.Resolve(schema).TryGetProperty("required", out _) };
        var required = document.Resolve(schema).TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()).ToHashSet() : [];
        foreach (var member in JsonNode.Parse(good.Body!)!.AsObject())
        {
            var less = JsonNode.Parse(good.Body!)!.AsObject();
            less.Remove(member.Key);
            var wrong = required.Contains(member.Key);
            yield return good.With(less.ToJsonString()) with { What = $"without {member.Key}", IsWrong = wrong, Named = wrong ? member.Key : null };
        }
    }

    /// <summary>The good call with a value that is of another type than it should be, or is none of the words it may be.</summary>
    public static IEnumerable<Call> WrongTyped(ServedDocument document, Call good)
    {
        foreach (var parameter in good.Operation.Parameters)
        {
            var isNumber = parameter.Schema.TryGetProperty("type", out var type) && type.ToString().Contains("integer", StringComparison.Ordinal);
            foreach (var value in isNumber ? ["x", "1.5", "-1", "0x10", "1e3", "99999999999999999999"] : parameter.Words.Count > 0 ? ["nonsense", "0"] : Array.Empty<string>())
            {
                yield return good.With(parameter.Name, value) with { What = $"{parameter.Name}={value}", IsWrong = true, Named = parameter.Name };
            }
        }

        foreach (var field in good.Operation.Body is { } schema ? document.Fields(schema) : [])
        {
            foreach (var (type, json) in OtherTypes.Where(other => !field.Types.Contains(other.Type)))
            {
                yield return With(good, field.Name, json) with { What = $"{field.Name}: {json}", IsWrong = true, Named = field.Name };
            }

            yield return With(good, field.Name, "null") with { What = $"{field.Name}: null" };
        }
    }

    /// <summary>The good call with one value that means harm.</summary>
    public static IEnumerable<Call> Hostile(ServedDocument document, Call good)
    {
        foreach (var parameter in good.Operation.Parameters)
        {
            foreach (var (what, value) in HostileTexts.Where(text => parameter.In != "header" || !text.Value.AsSpan().ContainsAny("\0\r\n")))
            {
                yield return good.With(parameter.Name, value) with { What = $"{parameter.Name} with {what}", Named = parameter.In == "path" ? null : parameter.Name, LeadsElsewhere = parameter.In == "path" };
            }

            foreach (var (what, value) in HostileEscapes.Where(_ => parameter.In != "header"))
            {
                yield return good.With(parameter.Name, value) with { What = $"{parameter.Name} with {what}", Raw = parameter.Name, LeadsElsewhere = parameter.In == "path" };
            }
        }

        if (good.Operation.Body is not { } schema)
        {
            yield break;
        }

        foreach (var call in HostileBodies(good))
        {
            yield return call;
        }

        var texts = HostileTexts.Append(("a long text", new string('a', LongText))).Append(("a long text of emoji", string.Concat(Enumerable.Repeat("\U0001F4A9", LongText)))).ToList();
        foreach (var field in document.Fields(schema))
        {
            foreach (var (what, value) in texts.Where(_ => field.Types.Contains("string")))
            {
                yield return With(good, field.Name, JsonSerializer.Serialize(value)) with { What = $"{field.Name} with {what}", Named = field.Name };
            }

            foreach (var json in new[] { "\"\\ud800\"", "\"\\udc00x\"" }.Where(_ => field.Types.Contains("string")))
            {
                yield return With(good, field.Name, json) with { What = $"{field.Name} with half a surrogate pair", IsWrong = true };
            }

            foreach (var json in new[] { "-1", "0", "-2147483648", "2147483647", "2147483648", "9223372036854775807", "-0", "1e2", "1E+9" }.Where(_ => field.Types.Contains("integer")))
            {
                yield return With(good, field.Name, json) with { What = $"{field.Name}: {json}", Named = field.Name };
            }

            foreach (var json in new[] { "[]", "[null]", "[\"\"]", "[\"\\u0000\"]", $"[{string.Join(',', Enumerable.Repeat("\"x\"", 5_000))}]" }.Where(_ => field.Types.Contains("array")))
            {
                yield return With(good, field.Name, json) with { What = $"{field.Name}: {json[..Math.Min(20, json.Length)]}", Named = field.Name };
            }

            foreach (var json in new[] { "{}", "{\"path\":\"../x\"}", "{\"path\":null}" }.Where(_ => field.Types.Contains("object")))
            {
                yield return With(good, field.Name, json) with { What = $"{field.Name}: {json}", Named = field.Name };
            }
        }
    }

    public static IEnumerable<Call> HostileBodies(Call good)
    {
        var text = Encoding.UTF8.GetString(good.Body!);
        Call Body(string body, string what) => good.With(body) with { What = what, IsWrong = true };
        yield return Body(text[..^1], "half a body");
        yield return Body(text + text, "two bodies");
        yield return Body("null", "null");
        yield return Body("[]", "an array");
        yield return Body("\"x\"", "a string");
        yield return Body("1", "a number");
        yield return Body("<a/>", "XML");
        yield return Body(new string('[', 100_000), "a deep array that has no end");
        yield return Body(Nested(text, "x", 10_000), "deep objects in a field that there is not");
        yield return Body(Nested(text, "repo", 10_000), "deep objects in a field that there is");
        yield return Body($"{{\"surprise\":1,{text[(text.IndexOf('{', StringComparison.Ordinal) + 1)..]}", "a field that there is not");
        yield return Body($"{{\"{new string('n', LongText)}\":1}}", "a field with a long name");
        yield return Body("{\"a\\u0000\\\"b\":1}", "a field with an odd name");
        yield return good with { Body = [.. Encoding.UTF8.GetBytes(text[..^1]), .. ",\"repo\":\""u8, 0xff, 0xfe, 0xc3, (byte)'"', (byte)'}'], What = "bytes that are no UTF-8", IsWrong = true };
        yield return good with { Body = [0xff, 0xfe, .. Encoding.Unicode.GetBytes(text)], What = "UTF-16", IsWrong = true };
        yield return good with { Body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0], What = "gzip", IsWrong = true };
        foreach (var type in new[] { "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "json", "application/json; charset=nothing", "", null })
        {
            yield return good with { ContentType = type, What = $"as {type ?? "nothing"}", IsWrong = true };
        }

        var large = $"{{\"repo\":\"{new string('a', 5 * 1024 * 1024)}\"}}";
        yield return Body(large, "a body over the limit");
        yield return Body(large, "a body over the limit, piece by piece") with { Chunked = true };
        // Within the limit, and over it once it is written with escapes.
        yield return With(good, "repo", $"\"/{string.Concat(Enumerable.Repeat("\U0001F4A9", 1_200_000))}\"") with { What = "a body of emoji" };
        yield return With(good, "patch", $"\"{string.Concat(Enumerable.Repeat("\U0001F4A9", 1_200_000))}\"") with { What = "a patch of emoji" };
    }

    private static string Nested(string body, string field, int depth) =>
        $"{body[..body.LastIndexOf('}')]},\"{field}\":{string.Concat(Enumerable.Repeat("{\"a\":", depth))}1{new string('}', depth)}}}";

    /// <summary>As text, for a value that no JSON library would write.</summary>
    private static Call With(Call good, string field, string json)
    {
        var body = JsonNode.Parse(good.Body!)!.AsObject();
        body.Remove(field);
        var rest = body.ToJsonString();
        return good.With(rest == "{}" ? $"{{\"{field}\":{json}}}" : $"{{\"{field}\":{json},{rest[1..]}");
    }
}
