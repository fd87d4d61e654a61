using System.Text.RegularExpressions;

namespace Cogo.Api.Pipeline;

/// <summary>What can be said about a request without looking at the repository: that is the workers' to see.</summary>
internal static partial class CodeBuildTestValidation
{
    public const int MaxIdempotencyKeyLength = 255;

    private const int MaxRepoLength = 4096;
    private const int MaxTextLength = 100_000;

    private static readonly string[] Schemes = ["https", "http", "ssh", "git", "file"];

    // Engine, and the field that tells it what to do.
    private static readonly Dictionary<string, string> Engines = new(StringComparer.Ordinal)
    {
        ["patch"] = "patch",
        ["command"] = "command",
        ["openai"] = "task",
        ["cogo-worker"] = "task",
    };

    /// <summary>Field and sentence of everything that is wrong; empty when all is well.</summary>
    public static Dictionary<string, string> Check(CodeBuildTestRequest request)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        void Refuse(string field, string? sentence)
        {
            if (sentence is not null)
            {
                errors.TryAdd(field, sentence);
            }
        }

        Refuse("repo", Repo(request.Repo));
        Refuse("base", Base(request.Base));
        Refuse("task_id", TaskId(request.TaskId));
        if (request.Engine is null || !Engines.TryGetValue(request.Engine, out var wanted))
        {
            Refuse("engine", string.IsNullOrEmpty(request.Engine)
                ? "Name the engine: patch, command, openai or cogo-worker."
                : $"'{Shown(request.Engine)}' is no engine. There are patch, command, openai and cogo-worker.");
            return errors;
        }

        foreach (var (field, value) in new[] { ("patch", request.Patch), ("command", request.Command), ("task", request.Task) })
        {
            Refuse(field, field == wanted ? Wanted(field, value, request.Engine) : value is null ? null : $"Engine {request.Engine} takes no {field}: leave it out, or choose another engine.");
        }

        return errors;
    }

    /// <summary>Null when the header can serve as a key.</summary>
    public static string? IdempotencyKey(string key) => key.Length is > 0 and <= MaxIdempotencyKeyLength && key.All(c => c is > ' ' and < (char)127)
        ? null
        : $"Idempotency-Key must be 1 to {MaxIdempotencyKeyLength} visible ASCII characters without spaces.";

    private static string? Wanted(string field, string? value, string engine)
    {
        if (string.IsNullOrWhiteSpace(value))
        {
            return $"Engine {engine} wants a {field}, and there is none.";
        }

        if (value.Contains('\0', StringComparison.Ordinal))
        {
            return $"The {field} holds a NUL character. A binary change needs a diff made with `git diff --binary`.";
        }

        return field != "patch" && value.Length > MaxTextLength
            ? $"The {field} has {value.Length} characters, and {MaxTextLength} are allowed."
            : null;
    }

    private static string? Repo(string? repo)
    {
        if (string.IsNullOrWhiteSpace(repo))
        {
            return "Name the repository: an absolute path as the workers see it, or a git URL.";
        }

        if (repo.Length > MaxRepoLength || repo.Any(char.IsControl))
        {
            return $"A repository is named in at most {MaxRepoLength} characters, none of them a control character.";
        }

        if (Path.IsPathFullyQualified(repo) || ScpLike().IsMatch(repo))
        {
            return null;
        }

        if (!Uri.TryCreate(repo, UriKind.Absolute, out var uri) || !Schemes.Contains(uri.Scheme, StringComparer.Ordinal))
        {
            return $"'{Shown(repo)}' is neither an absolute path nor a git URL (https, http, ssh, git, file, or user@host:path).";
        }

        // What is in the URL ends up in the database and the logs.
        return uri.UserInfo.Contains(':', StringComparison.Ordinal) || (uri.UserInfo.Length > 0 && uri.Scheme is "https" or "http")
            ? "The URL carries a password or a token, which would be stored with the task. Give git on the workers a credential helper instead."
            : null;
    }

    private static string? Base(string? reference) => reference is null || Reference().IsMatch(reference)
        ? null
        : $"'{Shown(reference)}' cannot be a commit, branch or tag: 1 to 255 characters that do not start with '-', without spaces and : ? * [ and backslash.";

    private static string? TaskId(string? taskId) => taskId is null || Task().IsMatch(taskId)
        ? null
        : $"'{Shown(taskId)}' cannot name a task: 1 to 100 of A-Z a-z 0-9 . _ - that start with a letter or a digit.";

    private static string Shown(string text)
    {
        var clean = new string(text.Take(80).Select(c => char.IsControl(c) ? '?' : c).ToArray());
        return text.Length > 80 ? clean + "…" : clean;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^:]", RegexOptions.None, 1000)]
    private static partial Regex ScpLike();

    [GeneratedRegex(@"\A[^-\s:?*\[\\\p{C}][^\s:?*\[\\\p{C}]{0,254}\z", RegexOptions.None, 1000)]
    private static partial Regex Reference();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\z", RegexOptions.None, 1000)]
    private static partial Regex Task();
}
