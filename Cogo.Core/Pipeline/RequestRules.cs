using System.Text.RegularExpressions;
using Cogo.Core.Bus;

namespace Cogo.Core.Pipeline;

/// <summary>What is wrong with one field of a request, in a sentence that says what to write instead.</summary>
/// <param name="Field">The field's name as in the payload, for example <c>repo</c>.</param>
public sealed record FieldProblem(string Field, string Message);

/// <summary>The one place that knows when a <see cref="PipelineRequest"/> is whole; the API and the dispatcher both ask it.</summary>
public static partial class RequestRules
{
    public const string PatchEngine = "patch";
    public const string CommandEngine = "command";
    public const string OpenAiEngine = "openai";
    public const string CogoWorkerEngine = "cogo-worker";

    public static IReadOnlyList<string> Engines { get; } = [PatchEngine, CommandEngine, OpenAiEngine, CogoWorkerEngine];

    /// <summary>Everything that is wrong with a request for the given target; empty: nothing.</summary>
    public static IReadOnlyList<FieldProblem> Check(PipelineRequest request, Route target)
    {
        ArgumentNullException.ThrowIfNull(request);
        var problems = new List<FieldProblem>();
        if (string.IsNullOrWhiteSpace(request.Repo))
        {
            problems.Add(new("repo", "repo is missing: give a local path or a git URL."));
        }
        else if (request.Repo.StartsWith('-') || request.Repo.Any(char.IsControl))
        {
            problems.Add(new("repo", "repo must be a path or a git URL: it may not start with '-' or hold control characters."));
        }

        if (request.TaskId is not null && !IsTaskId(request.TaskId))
        {
            problems.Add(new("task_id", "task_id must be 1 to 100 of A-Z a-z 0-9 . _ - and start with a letter or a digit."));
        }

        if (request.Base is not null && (request.Base.Length is 0 or > 250 || request.Base.StartsWith('-') || request.Base.Any(char.IsControl)))
        {
            problems.Add(new("base", "base must be a commit, branch or tag, and may not start with '-'."));
        }

        if (request.Next is not null && !Route.TryParse(request.Next, out _))
        {
            problems.Add(new("next", $"next '{request.Next}' is not a route: write service/role/shard, for example {Route.BuildTest}."));
        }

        if (IsSame(target, Route.Codegen))
        {
            CheckEngine(request, problems);
        }
        else if (IsSame(target, Route.BuildTest) && request.Change is null)
        {
            problems.Add(new("change", $"change is missing: {Route.BuildTest} tests a stored diff, so send the request to {Route.Codegen} with next = {Route.BuildTest}."));
        }

        return problems;
    }

    public static bool IsTaskId(string text) => TaskIdPattern().IsMatch(text);

    /// <summary>Same service and role; shards are where copies of a worker divide the work.</summary>
    public static bool IsSame(Route one, Route other) => one.Service == other.Service && one.Role == other.Role;

    private static void CheckEngine(PipelineRequest request, List<FieldProblem> problems)
    {
        switch (request.Engine)
        {
            case PatchEngine when string.IsNullOrWhiteSpace(request.Patch):
                problems.Add(new("patch", "patch is empty: the patch engine needs a unified diff, as 'git diff' prints it."));
                break;
            case CommandEngine when string.IsNullOrWhiteSpace(request.Command):
                problems.Add(new("command", "command is empty: the command engine needs a command line to run in the working copy."));
                break;
            case OpenAiEngine or CogoWorkerEngine when string.IsNullOrWhiteSpace(request.Task):
                problems.Add(new("task", $"task is empty: the {request.Engine} engine needs to be told what to do."));
                break;
            case PatchEngine or CommandEngine or OpenAiEngine or CogoWorkerEngine:
                break;
            case null:
                problems.Add(new("engine", $"engine is missing: use one of {string.Join(", ", Engines)}."));
                break;
            default:
                problems.Add(new("engine", $"engine '{Shortened(request.Engine)}' is not known: use one of {string.Join(", ", Engines)}."));
                break;
        }
    }

    private static string Shortened(string text) => text.Length <= 50 ? text : string.Concat(text.AsSpan(0, 50), "…");

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.None, 1000)]
    private static partial Regex TaskIdPattern();
}
