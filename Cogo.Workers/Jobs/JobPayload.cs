using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using Cogo.Core;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs;

/// <summary>Reads a job's payload strictly: a misspelt name is an error and not a default.</summary>
internal static class JobPayload
{
    /// <summary>The code of a job whose payload cannot be used.</summary>
    public const string Invalid = "invalid_payload";

    private static readonly JsonSerializerOptions _options = new(CogoJson.Options)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        PropertyNameCaseInsensitive = false,
        NumberHandling = JsonNumberHandling.Strict,
        RespectNullableAnnotations = true,
    };

    /// <summary>False, with how the job ends, when the payload is not of that shape.</summary>
    public static bool TryRead<T>(JobContext job, [NotNullWhen(true)] out T? payload, [NotNullWhen(false)] out JobOutcome.Failed? failed)
        where T : class
    {
        payload = null;
        try
        {
            payload = job.Payload.ValueKind == JsonValueKind.Object ? job.Payload.Deserialize<T>(_options) : null;
            failed = payload is null ? Fault(job, "it is not a JSON object") : null;
        }
        catch (JsonException e)
        {
            failed = Fault(job, Explain(e));
        }

        return failed is null;
    }

    /// <param name="what">Such as <c>url is missing</c>.</param>
    public static JobOutcome.Failed Fault(JobContext job, string what) =>
        new(Invalid, $"The payload of {job.Type} cannot be used: {what}. Enqueue it again with a payload as described in docs/job-types.md.");

    /// <summary>Says what is wrong without the .NET type names, and never repeats a value, which may be a secret.</summary>
    private static string Explain(JsonException e)
    {
        if (e.Message.StartsWith("The JSON property '", StringComparison.Ordinal))
            return $"{e.Message.Split('\'')[1]} is not a field of it";
        if (e.Message.Contains("missing required properties", StringComparison.Ordinal))
            return $"{e.Message[(e.Message.LastIndexOf(": ", StringComparison.Ordinal) + 2)..].TrimEnd('.')} is missing";
        return e.Path is { Length: > 2 } path ? $"{path[2..]} has the wrong type" : "its JSON has the wrong shape";
    }
}
