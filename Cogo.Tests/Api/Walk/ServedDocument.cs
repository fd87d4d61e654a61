using System.Text.Json;
using Cogo.Api.Pipeline;

namespace Cogo.Tests.Api.Walk;

/// <summary>A parameter of an operation, as the document has it.</summary>
/// <param name="In"><c>path</c>, <c>query</c> or <c>header</c>.</param>
/// <param name="Example">A value that can be sent; null: none is shown.</param>
internal sealed record Parameter(string Name, string In, bool Required, string? Description, JsonElement Schema, string? Example)
{
    /// <summary>The words that it may be; empty: others too.</summary>
    public IReadOnlyList<string> Words => ServedDocument.Words(Schema);
}

/// <summary>A field of a request's body.</summary>
/// <param name="Types">Of JSON, that it may have.</param>
/// <param name="Words">All that it may be; empty: others too.</param>
internal sealed record Field(string Name, IReadOnlySet<string> Types, IReadOnlyList<string> Words);

/// <summary>One operation of the document.</summary>
/// <param name="Body">Schema of the request; null: it takes none.</param>
/// <param name="Answers">Schema by status; null: no JSON.</param>
/// <param name="Safe">A POST that says that it changes nothing.</param>
internal sealed record Operation(
    string Id, HttpMethod Method, string Path, JsonElement Json, IReadOnlyList<Parameter> Parameters, JsonElement? Body, string? BodyExample,
    IReadOnlyDictionary<int, DeclaredAnswer> Answers, bool Safe)
{
    public bool TakesKey => Parameters.Any(parameter => parameter.Name == "Idempotency-Key");

    public bool IsList => Parameters.Any(parameter => parameter.Name == "cursor");

    public bool IsStream => Answers.Values.Any(answer => answer.MediaTypes.Contains("text/event-stream"));

    public override string ToString() => $"{Method} {Path}";
}

/// <summary>An answer that an operation may give.</summary>
internal sealed record DeclaredAnswer(IReadOnlyList<string> MediaTypes, JsonElement? Schema, JsonElement? Example);

/// <summary>The OpenAPI document that the API serves.</summary>
internal sealed class ServedDocument
{
    private readonly JsonElement _root;

    public ServedDocument(JsonElement root)
    {
        _root = root;
        Operations =
        [
            .. from path in root.GetProperty("paths").EnumerateObject()
               from operation in path.Value.EnumerateObject()
               where operation.Name is "get" or "head" or "post" or "put" or "patch" or "delete"
               select Read(path.Name, operation.Name, operation.Value),
        ];
    }

    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>The words that a schema names; empty: it names none.</summary>
    public static IReadOnlyList<string> Words(JsonElement schema) =>
        schema.TryGetProperty("enum", out var words) ? [.. words.EnumerateArray().Select(word => word.ToString())] : [];

    /// <summary>The fields that an object of the schema may have.</summary>
    public IReadOnlyList<Field> Fields(JsonElement schema) => Resolve(schema).TryGetProperty("properties", out var properties)
        ? [.. properties.EnumerateObject().Select(property => new Field(property.Name, Types(property.Value), Words(Resolve(property.Value))))]
        : [];

    /// <summary>What follows references, and leaves out that something may be null.</summary>
    public JsonElement Resolve(JsonElement schema)
    {
        while (true)
        {
            if (schema.TryGetProperty("$ref", out var reference))
            {
                schema = reference.GetString()!.Split('/').Skip(1).Aggregate(_root, (at, step) => at.GetProperty(step));
            }
            else if (schema.TryGetProperty("oneOf", out var several) && several.EnumerateArray().Where(one => !IsNull(one)).ToList() is [var only])
            {
                schema = only;
            }
            else
            {
                return schema;
            }
        }
    }

    /// <summary>Members of a value that its schema does not have, by path.</summary>
    public IEnumerable<string> Unknown(JsonElement value, JsonElement schema, string at = "")
    {
        schema = Resolve(schema);
        switch (value.ValueKind)
        {
            case JsonValueKind.Array when schema.TryGetProperty("items", out var items):
                return value.EnumerateArray().SelectMany(item => Unknown(item, items, at + "[]"));
            case JsonValueKind.Object when schema.TryGetProperty("properties", out var properties):
                return value.EnumerateObject().SelectMany(member => properties.TryGetProperty(member.Name, out var known)
                    ? Unknown(member.Value, known, $"{at}.{member.Name}")
                    : [$"{at}.{member.Name}"]);
            default:
                return [];
        }
    }

    private static bool IsNull(JsonElement schema) => schema.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() == "null";

    private HashSet<string> Types(JsonElement schema)
    {
        var resolved = Resolve(schema);
        if (!resolved.TryGetProperty("type", out var type))
        {
            return resolved.TryGetProperty("enum", out _) ? ["string"] : ["object"];
        }

        return type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(one => one.GetString()!)] : [type.GetString()!];
    }

    private static Operation Read(string path, string method, JsonElement json)
    {
        var content = json.TryGetProperty("requestBody", out var body) ? body.GetProperty("content").GetProperty("application/json") : (JsonElement?)null;
        return new Operation(
            json.TryGetProperty("operationId", out var id) ? id.GetString()! : $"{method} {path}",
            HttpMethod.Parse(method),
            path,
            json,
            json.TryGetProperty("parameters", out var parameters) ? [.. parameters.EnumerateArray().Select(ReadParameter)] : [],
            content?.GetProperty("schema"),
            content is { } media && media.TryGetProperty("example", out var example) ? example.GetRawText() : null,
            json.GetProperty("responses").EnumerateObject().ToDictionary(answer => int.Parse(answer.Name, System.Globalization.CultureInfo.InvariantCulture), answer => ReadAnswer(answer.Value)),
            json.TryGetProperty(SubmissionConventions.SafeExtension, out var safe) && safe.ValueKind == JsonValueKind.True);
    }

    private static Parameter ReadParameter(JsonElement json)
    {
        var schema = json.GetProperty("schema");
        return new Parameter(
            json.GetProperty("name").GetString()!,
            json.GetProperty("in").GetString()!,
            json.TryGetProperty("required", out var required) && required.GetBoolean(),
            json.TryGetProperty("description", out var description) ? description.GetString() : null,
            schema,
            json.TryGetProperty("example", out var example) || schema.TryGetProperty("example", out example) ? example.ToString() : null);
    }

    private static DeclaredAnswer ReadAnswer(JsonElement json)
    {
        if (!json.TryGetProperty("content", out var content))
        {
            return new DeclaredAnswer([], null, null);
        }

        JsonElement? Of(string name) => content.EnumerateObject().Where(media => media.Name.EndsWith("json", StringComparison.Ordinal))
            .Select(media => media.Value.TryGetProperty(name, out var value) ? value : (JsonElement?)null).FirstOrDefault();
        return new DeclaredAnswer([.. content.EnumerateObject().Select(media => media.Name)], Of("schema"), Of("example"));
    }
}
