using System.Text.Json;
using System.Text.Json.Serialization;
using Cogo.Core.Pipeline;

namespace Cogo.Cli.Run;

/// <summary>What came of a run; as JSON it is the last line of <c>cogo run --json</c>.</summary>
public sealed record RunResult
{
    [JsonPropertyOrder(-1)]
    public string Type => "result";

    public required Verdict Verdict { get; init; }

    /// <summary>Null when the request was refused before it was on the bus.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? TraceId { get; init; }

    public string? TaskId { get; init; }

    /// <summary>Of a workflow's run.</summary>
    public string? RunId { get; init; }

    /// <summary>A short word for programs, such as <c>tests_failed</c> or <c>patch_does_not_apply</c>.</summary>
    public string? Code { get; init; }

    /// <summary>Why it is not passed, and what to do.</summary>
    public string? Reason { get; init; }

    /// <summary><c>report.json</c> of the build/test worker; null when the task did not get that far.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JsonElement? Report { get; init; }

    public IReadOnlyList<RunArtifact> Artifacts { get; init; } = [];
}

/// <summary>A file that the task left behind.</summary>
/// <param name="Path">Task, stage and name.</param>
/// <param name="File">Where it lies on this machine, when the run brought its own system.</param>
/// <param name="Url">Where a server serves it, when one ran the task.</param>
public sealed record RunArtifact(string Path, string? File, Uri? Url, long Bytes, string Sha256, string? ContentType);
