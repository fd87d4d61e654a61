using Cogo.Api.Problems;
using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;

namespace Cogo.Api.Pipeline;

/// <summary>
/// What can be said about a request without looking at the repository: that is the workers' to see. To
/// <see cref="RequestRules"/> it adds what only a caller over HTTP can get wrong.
/// </summary>
internal static class CodeBuildTestValidation
{
    private const int MaxRepoLength = 4096;
    private const int MaxTenantLength = 200;
    private const int MaxTextLength = 100_000;

    /// <summary>Field and sentence of everything that is wrong; empty when all is well.</summary>
    public static Dictionary<string, string> Check(PipelineRequest request, string? idempotencyKey) => Check(request, Route.Codegen, idempotencyKey);

    /// <inheritdoc cref="Check(PipelineRequest, string?)"/>
    /// <param name="target">Whose work it is.</param>
    public static Dictionary<string, string> Check(PipelineRequest request, Route target, string? idempotencyKey)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var problem in RequestRules.Check(request, target))
        {
            errors.TryAdd(problem.Field, problem.Message);
        }

        void Refuse(string field, string? sentence)
        {
            if (sentence is not null)
            {
                errors.TryAdd(field, sentence);
            }
        }

        Refuse("repo", Repo(request.Repo));
        Refuse("patch", Instruction("patch", request.Patch, request.Engine, [RequestRules.PatchEngine]));
        Refuse("command", Instruction("command", request.Command, request.Engine, [RequestRules.CommandEngine]));
        Refuse("task", Instruction("task", request.Task, request.Engine, [RequestRules.OpenAiEngine, RequestRules.CogoWorkerEngine, RequestRules.CommandEngine]));
        Refuse(IdempotencyKey.Header, IdempotencyKey.Problem(idempotencyKey));
        return errors;
    }

    /// <summary>Adds what is wrong with a tenant.</summary>
    public static void CheckTenant(string? tenant, Dictionary<string, string> errors)
    {
        if (tenant is not null && (tenant.Length is 0 or > MaxTenantLength || tenant.Any(char.IsControl)))
        {
            errors.TryAdd("tenant", $"tenant must be 1 to {MaxTenantLength} characters, none of them a control character.");
        }
    }

    private static string? Instruction(string field, string? value, string? engine, string[] engines)
    {
        if (value is null)
        {
            return null;
        }

        if (engine is not null && !engines.Contains(engine, StringComparer.Ordinal))
        {
            return $"{field} is for engine {string.Join(" or ", engines)}: leave it out, or choose that engine.";
        }

        if (value.Contains('\0', StringComparison.Ordinal))
        {
            return $"{field} holds a NUL character. A change of a binary file needs a diff made with `git diff --binary`.";
        }

        return field != "patch" && value.Length > MaxTextLength
            ? $"{field} has {value.Length} characters, and {MaxTextLength} are allowed."
            : null;
    }

    private static string? Repo(string? repo)
    {
        if (string.IsNullOrWhiteSpace(repo))
        {
            return null; // said already
        }

        if (repo.Length > MaxRepoLength)
        {
            return $"repo has {repo.Length} characters, and {MaxRepoLength} are allowed.";
        }

        try
        {
            if (RepositoryLocation.Parse(repo).LocalPath is not null)
            {
                return repo.Contains("://", StringComparison.Ordinal) || Path.IsPathFullyQualified(repo)
                    ? null
                    : "repo is a relative path, which means nothing to the workers: write it absolute, or give a git URL.";
            }
        }
        catch (WorkspaceException e)
        {
            return e.Message;
        }

        // What is in the URL ends up in the database and the logs.
        return Uri.TryCreate(repo, UriKind.Absolute, out var uri)
            && (uri.UserInfo.Contains(':', StringComparison.Ordinal) || (uri.UserInfo.Length > 0 && uri.Scheme is ("https" or "http")))
            ? "repo carries a password or a token, which would be stored with the task. Give git on the workers a credential helper instead."
            : null;
    }
}
