using System.CommandLine;
using System.Security.Cryptography;
using Cogo.Core.Pipeline;
using Cogo.Core.Workspaces;

namespace Cogo.Cli.Run;

/// <summary>The options of <c>cogo run</c> and what they mean together.</summary>
internal sealed class RunArguments
{
    /// <summary>Longest that a verb waits for a verdict, in days.</summary>
    public const int LongestDays = 20;

    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromHours(1);

    private readonly Option<string> _repo = new("--repo") { Description = "The repository: a path, or a git URL. A folder inside a repository means that part of it.", HelpName = "PATH|GIT_URL", Required = true };
    private readonly Option<string?> _base = new("--base") { Description = "Commit, branch or tag the change is made on (default: HEAD).", HelpName = "REV" };
    private readonly Option<string?> _engine = new("--engine") { Description = "What makes the change: patch, command, openai or cogo-worker (default: what the other options say).", HelpName = "NAME" };
    private readonly Option<string?> _patch = new("--patch") { Description = "Apply this unified diff; - reads standard input.", HelpName = "FILE|-" };
    private readonly Option<string?> _command = new("--command") { Description = "Run this command line in a working copy; what it changes is the change.", HelpName = "LINE" };
    private readonly Option<string?> _task = new("--task") { Description = "What to do, in words, for the engines openai and cogo-worker; a command finds it in COGO_TASK.", HelpName = "TEXT" };
    private readonly Option<bool> _allowDirty = new("--allow-dirty") { Description = "Go on although the repository has uncommitted changes; they are not part of the work." };
    private readonly Option<string?> _taskId = new("--task-id") { Description = "Name of the task's folder of artifacts (default: a new one).", HelpName = "NAME" };
    private readonly Option<string?> _timeout = new("--timeout") { Description = "Give up waiting after this long: 90s, 10m, 2h (default: 1h).", HelpName = "TIME" };
    private readonly Option<string?> _server = new("--server") { Description = $"Only use the Cogo at this address. Without it: COGO_URL or {ServerAddress.Default} where a Cogo answers, else one of its own.", HelpName = "URL" };
    private readonly Option<bool> _verbose = new("--verbose") { Description = "Write the log of a system of its own to standard error." };
    private readonly DatabaseOptions _database = new();

    public void AddTo(Command verb)
    {
        foreach (var option in new Option[] { _repo, _base, _patch, _engine, _command, _task, _allowDirty, _taskId, _timeout, _server, _verbose })
        {
            verb.Options.Add(option);
        }

        _database.AddTo(verb);
    }

    /// <exception cref="InputException">Something is missing, or two options do not go together.</exception>
    /// <param name="template">Of a workflow; null: one pass of the pipeline.</param>
    public async Task<RunOptions> ReadAsync(
        ParseResult parsed, Surroundings surroundings, CancellationToken cancellationToken, string? template = null, int? maxRepairs = null)
    {
        var engine = Engine(parsed);
        var (repo, isLocal) = Repo(parsed.GetValue(_repo)!, surroundings);
        var server = parsed.GetValue(_server);
        var options = new RunOptions
        {
            Request = new RunRequest
            {
                Template = template,
                MaxRepairs = maxRepairs,
                TaskId = parsed.GetValue(_taskId) ?? NewTaskId(surroundings.Time),
                Repo = repo,
                Base = parsed.GetValue(_base),
                Engine = engine,
                Patch = parsed.GetValue(_patch) is { } file ? await PatchSource.ReadAsync(file, surroundings, cancellationToken) : null,
                Command = parsed.GetValue(_command),
                Task = parsed.GetValue(_task),
                AllowDirty = parsed.GetValue(_allowDirty),
            },
            RepoIsLocal = isLocal,
            Timeout = Timeout(parsed.GetValue(_timeout)),
            Server = ServerOf(server, surroundings),
            ServerIsWanted = server is not null,
            System = _database.Read(parsed, surroundings) with { Verbose = parsed.GetValue(_verbose) },
        };
        options.Request.ThrowIfInvalid();
        if (_database.IsGiven(parsed))
        {
            options = server is null
                ? options with { Server = null }
                : throw new InputException("--server names a Cogo that runs already, and --data, --postgres and --database are for one of this run's own. Leave out one of them.");
        }

        return options;
    }

    /// <summary>The server that is named, by the option or by <c>COGO_URL</c>, else the usual one.</summary>
    /// <exception cref="InputException">It is no address.</exception>
    public static Uri ServerOf(string? server, Surroundings surroundings) =>
        ServerAddress.Of(server ?? surroundings.Variable(ServerAddress.Variable) ?? ServerAddress.Default, server is null ? ServerAddress.Variable : "--server");

    private string Engine(ParseResult parsed)
    {
        var given = new[] { (_patch.Name, Value: parsed.GetValue(_patch)), (_command.Name, Value: parsed.GetValue(_command)), (_task.Name, Value: parsed.GetValue(_task)) }
            // A command may be told what to do as well: it finds the words in COGO_TASK.
            .Where(option => option.Name != _task.Name || parsed.GetValue(_command) is null)
            .Where(option => option.Value is not null).Select(option => option.Name).ToList();
        if (given.Count > 1)
        {
            throw new InputException($"{string.Join(" and ", given)} each say how the change is made: leave one.");
        }

        var engine = parsed.GetValue(_engine) ?? given.SingleOrDefault() switch
        {
            "--patch" => RequestRules.PatchEngine,
            "--command" => RequestRules.CommandEngine,
            "--task" => RequestRules.OpenAiEngine,
            _ => throw new InputException("What is the change? Give --patch FILE, --command \"LINE\", or --task \"TEXT\"."),
        };
        var wanted = engine switch
        {
            RequestRules.PatchEngine => "--patch",
            RequestRules.CommandEngine => "--command",
            RequestRules.OpenAiEngine or RequestRules.CogoWorkerEngine => "--task",
            _ => throw new InputException($"There is no engine '{engine}': write patch, command, openai or cogo-worker."),
        };
        return given is [var option] && option == wanted
            ? engine
            : throw new InputException(given.Count == 0 ? $"--engine {engine} wants {wanted}." : $"--engine {engine} wants {wanted}, and {given[0]} is for another engine.");
    }

    private static (string Repo, bool IsLocal) Repo(string text, Surroundings surroundings)
    {
        try
        {
            var path = surroundings.FullPath(text.Length == 0 ? "." : text);
            if (text.Length > 0 && !text.Contains("://", StringComparison.Ordinal) && Directory.Exists(path))
            {
                return (path, true);
            }

            var location = RepositoryLocation.Parse(text);
            return location.LocalPath is null ? (text, false)
                : text.Contains("://", StringComparison.Ordinal) ? (location.LocalPath, true)
                : (path, true);
        }
        catch (Exception e) when (e is WorkspaceException or ArgumentException)
        {
            throw new InputException($"--repo '{RepositoryLocation.WithoutCredentials(text)}' cannot be used. {e.Message}", e);
        }
    }

    private static TimeSpan Timeout(string? text) => text is null ? DefaultTimeout
        : Durations.Read("--timeout", text, LongestDays);

    // Sorts by time.
    private static string NewTaskId(TimeProvider time) =>
        $"{time.GetUtcNow():yyyyMMdd-HHmmss}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
}
