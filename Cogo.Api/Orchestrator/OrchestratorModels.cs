using System.Text.Json.Serialization;
using Cogo.Api.Pipeline;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;

namespace Cogo.Api.Orchestrator;

/// <summary>A request for the dispatcher, which relays it to its target.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record OrchestratorExecuteRequest : CodeBuildTestRequest
{
    /// <summary>Route that the dispatcher relays to, as service/role/shard. Default: codegen/generate/0.</summary>
    public string? Target { get; init; }

    /// <summary>Route that codegen publishes to when it is done, such as code/build-test/0. Default: none.</summary>
    public string? Next { get; init; }

    /// <summary>For target code/build-test/0: the stored diff, as the codegen_done event names it.</summary>
    public ChangeReference? Change { get; init; }

    /// <summary>-100 to 100; higher goes first. Default: 0.</summary>
    public int Priority { get; init; }

    /// <summary>Deliveries before it is given up: 1 to 1000. Default: 5.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>Seconds after which it is given up when nobody has taken it: 1 to 2592000. Default: never.</summary>
    public int? TtlSeconds { get; init; }
}

/// <summary>What goes on.</summary>
/// <param name="Runs">Runs of workflows by status: all that run, and those begun in the last day.</param>
/// <param name="Steps">The steps that are on the bus or are being worked on, by kind.</param>
/// <param name="Routes">Who reads the routes of the pipeline.</param>
/// <param name="Templates">Names of the workflows that can be run here and now.</param>
/// <param name="Model">The model that plans, when one is configured.</param>
public sealed record OrchestratorState(
    IReadOnlyDictionary<string, long> Runs, IReadOnlyList<RunningSteps> Steps, IReadOnlyList<OrchestratorRoute> Routes, IReadOnlyList<string> Templates, string? Model);

/// <summary>A route of the pipeline.</summary>
/// <param name="Workers">How many live workers read it, on any shard.</param>
public sealed record OrchestratorRoute(string Route, int Workers);
