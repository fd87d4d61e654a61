using System.Text.Json;
using Cogo.Core.Gates;
using Cogo.Core.Pipeline;

namespace Cogo.Core.Workflows;

/// <summary>Where a run stands. Those but <see cref="Running"/> and <see cref="Cancelled"/> are verdicts.</summary>
public enum RunStatus
{
    Running,

    /// <summary>All steps are done, and what was built is green.</summary>
    Passed,

    /// <summary>The change is at fault, also after the last repair.</summary>
    Failed,

    /// <summary>The machine is at fault: nothing is known about the change.</summary>
    Infrastructure,

    /// <summary>The request is at fault.</summary>
    Invalid,

    /// <summary>Somebody ended it.</summary>
    Cancelled,
}

/// <summary>Where a step stands.</summary>
public enum StepStatus
{
    /// <summary>Its message is on the bus, or is being worked on.</summary>
    Running,

    /// <summary>There is a result; a red one too.</summary>
    Done,

    /// <summary>There is none: its message was given up.</summary>
    Failed,
    Cancelled,
}

/// <summary>A run of a workflow as it stands in the database.</summary>
public sealed record WorkflowRun
{
    /// <summary><c>run-</c> and 32 hex digits; ids sort by time.</summary>
    public required string RunId { get; init; }

    /// <summary>Name of its template.</summary>
    public required string Template { get; init; }

    public string? Tenant { get; init; }

    /// <summary>All that happens to the run is under this trace: 32 hex digits.</summary>
    public required string TraceId { get; init; }

    /// <summary>Folder of the first attempt's artifacts; see <see cref="TaskOf"/>.</summary>
    public required string TaskId { get; init; }

    /// <summary>What was asked for.</summary>
    public required PipelineRequest Request { get; init; }

    public required RunStatus Status { get; init; }

    /// <summary>A short word for programs when it has not passed.</summary>
    public string? Code { get; init; }

    /// <summary>Why it has not passed, and what to do.</summary>
    public string? Reason { get; init; }

    /// <summary>Counts repairs and retries from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>Most repairs of a red report.</summary>
    public required int MaxRepairs { get; init; }

    public required int RepairsLeft { get; init; }

    /// <summary>What the gate decided; absent before the end, and where nothing was tested.</summary>
    public GateAnswer? Gate { get; init; }

    /// <summary>Number of its newest event.</summary>
    public required int LastEvent { get; init; }

    /// <summary>By the database's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>All steps that were begun, in that order, those of earlier attempts too.</summary>
    public IReadOnlyList<WorkflowStep> Steps { get; init; } = [];

    /// <summary>Folder of an attempt's artifacts: each has its own, so that none writes over another's.</summary>
    public string TaskOf(int attempt) => attempt == 1 ? TaskId : $"{TaskId}-{attempt}";
}

/// <summary>One step of a run.</summary>
public sealed record WorkflowStep
{
    /// <summary>Its number within the run, from 1.</summary>
    public required int Step { get; init; }

    /// <summary>Of its <see cref="StepKind"/>.</summary>
    public required string Name { get; init; }

    public required int Attempt { get; init; }

    /// <summary>Number of the repair that its attempt is, from 1; absent: none.</summary>
    public int? Repair { get; init; }

    /// <summary>Whose work it is.</summary>
    public required string Route { get; init; }

    public required string TaskId { get; init; }

    public required StepStatus Status { get; init; }

    /// <summary>The message for the dispatcher that began it.</summary>
    public long? MessageId { get; init; }

    public Verdict? Verdict { get; init; }

    public string? Code { get; init; }

    public string? Reason { get; init; }

    /// <summary>Data of the event that ended it.</summary>
    public JsonElement? Result { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The diff that a codegen step stored; null for others.</summary>
    internal ChangeReference? Change() =>
        Result is { ValueKind: JsonValueKind.Object } result && result.TryGetProperty("change", out var change) && change.ValueKind == JsonValueKind.Object
            ? change.Deserialize<ChangeReference>(CogoJson.Options)
            : null;

    /// <summary>A text of the result; null when there is none of that name.</summary>
    internal string? Text(string name) =>
        Result is { ValueKind: JsonValueKind.Object } result && result.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
