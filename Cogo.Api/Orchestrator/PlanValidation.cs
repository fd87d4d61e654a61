using Cogo.Api.Pipeline;
using Cogo.Core.Pipeline;

namespace Cogo.Api.Orchestrator;

/// <summary>What can be said about a wish without looking at the repository.</summary>
internal static class PlanValidation
{
    public const string AutoPlanner = "auto";
    public const string TemplatePlanner = "template";
    public const string ModelPlanner = "model";

    private const int MostAcceptance = 50;
    private const int LongestAcceptance = 2_000;
    private const int LongestTask = 50_000;
    private const int LongestTtl = 30 * 24 * 3600;

    /// <summary>The engine that was named, or that the other fields mean.</summary>
    public static string EngineOf(PlanRequest request) => request.Engine
        ?? (request.Patch is not null ? RequestRules.PatchEngine : request.Command is not null ? RequestRules.CommandEngine : RequestRules.OpenAiEngine);

    /// <summary>Field and sentence of everything that is wrong; empty when all is well.</summary>
    public static Dictionary<string, string> Check(PlanRequest request, string engine)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        if (string.IsNullOrWhiteSpace(request.Task))
        {
            errors["task"] = "task is missing: say in words what is to be done.";
        }
        else if (request.Task.Length > LongestTask || request.Task.Contains('\0', StringComparison.Ordinal))
        {
            errors["task"] = $"task has at most {LongestTask} characters, and no NUL.";
        }

        if (request.Planner is not (null or AutoPlanner or TemplatePlanner))
        {
            errors["planner"] = $"planner is {AutoPlanner} or {TemplatePlanner}.";
        }

        if (request.Acceptance is { } acceptance
            && (acceptance.Count > MostAcceptance || acceptance.Any(item => string.IsNullOrWhiteSpace(item) || item.Length > LongestAcceptance || item.Contains('\0', StringComparison.Ordinal))))
        {
            errors["acceptance"] = $"acceptance has at most {MostAcceptance} sentences of 1 to {LongestAcceptance} characters.";
        }

        var payload = new PipelineRequest
        {
            Repo = request.Repo,
            Base = request.Base,
            Engine = engine,
            Patch = request.Patch,
            Command = request.Command,
            // A patch has no task; it is for the plan alone.
            Task = engine == RequestRules.PatchEngine ? null : request.Task,
        };
        foreach (var (field, sentence) in CodeBuildTestValidation.Check(payload, null))
        {
            errors.TryAdd(field, sentence);
        }

        return errors;
    }

    /// <summary>Adds what is wrong with how a request is to be delivered.</summary>
    public static void CheckDelivery(OrchestratorExecuteRequest request, Dictionary<string, string> errors)
    {
        CodeBuildTestValidation.CheckTenant(request.Tenant, errors);
        if (request.Priority is < -100 or > 100)
        {
            errors["priority"] = "priority is a whole number from -100 to 100.";
        }

        if (request.MaxAttempts is < 1 or > 1000)
        {
            errors["max_attempts"] = "max_attempts is a whole number from 1 to 1000.";
        }

        if (request.TtlSeconds is < 1 or > LongestTtl)
        {
            errors["ttl_seconds"] = $"ttl_seconds is a whole number from 1 to {LongestTtl}.";
        }

        if (request.Change is { } change
            && (Core.Artifacts.ArtifactPath.IsValid(change.Path) is false || change.Sha256 is not { Length: 64 } || !change.Sha256.All(char.IsAsciiHexDigitLower)
                || string.IsNullOrEmpty(change.BaseCommit) || change.BaseCommit.Any(char.IsControl) || change.BaseCommit.StartsWith('-')))
        {
            errors["change"] = "change names a stored diff: path of the artifact, sha256 in 64 hex digits, base_commit and engine, as the codegen_done event has them.";
        }
    }
}
