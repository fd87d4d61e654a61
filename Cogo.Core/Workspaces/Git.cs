using System.Diagnostics;
using System.Text;
using Cogo.Core.Pipeline;
using Cogo.Core.Processes;

namespace Cogo.Core.Workspaces;

/// <summary>What a git command said. Lines are as printed, without their line ends.</summary>
internal sealed record GitResult(ProcessResult Process, IReadOnlyList<string> Output, string Error)
{
    public bool Succeeded => Process.Succeeded;

    public bool TimedOut => Process.StopReason is StopReason.WallClock or StopReason.NoOutput;

    public string FirstLine => Output.Count > 0 ? Output[0].Trim() : "";

    /// <summary>git's own words on one line, without its <c>error:</c> and <c>fatal:</c>.</summary>
    public string Words
    {
        get
        {
            if (TimedOut)
                return $"git was stopped after {Process.Duration.TotalSeconds:0} s";

            var words = new List<string>();
            foreach (var line in Error.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                var text = line.StartsWith("error: ", StringComparison.Ordinal) || line.StartsWith("fatal: ", StringComparison.Ordinal) ? line[7..] : line;
                if (!text.StartsWith("warning: ", StringComparison.Ordinal) && !text.StartsWith("hint: ", StringComparison.Ordinal) && words.Count < 6)
                    words.Add(text);
            }

            return words.Count > 0 ? string.Join("; ", words) : $"git ended with {Process.ExitCode?.ToString() ?? Process.Signal ?? "no exit code"}";
        }
    }
}

/// <summary>
/// The one way to git. Nothing the user or a repository has configured may run or ask: no hooks, no filters, no
/// file system monitor, no prompt, no <c>ext::</c> transport. The user's own settings count only where a remote is
/// fetched, for they hold the way to it (proxy, credential helper).
/// </summary>
internal sealed class Git
{
    private static readonly string[] Hygiene =
    [
        "-c", "core.hooksPath=/dev/null",
        "-c", "core.fsmonitor=false",
        "-c", "core.askPass=",
        "-c", "core.protectHFS=true",
        "-c", "core.protectNTFS=true",
        "-c", "safe.directory=*",
        "-c", "protocol.ext.allow=never",
        "-c", "submodule.recurse=false",
        "-c", "gc.autoDetach=false",
        "-c", "maintenance.autoDetach=false",
        "-c", "commit.gpgSign=false",
    ];

    /// <summary>upload-pack does not inherit <c>-c</c>, so what it must know is in a file of our own.</summary>
    private const string OwnConfiguration = """
        [safe]
            directory = *
        [core]
            hooksPath = /dev/null
            fsmonitor = false
        [protocol "ext"]
            allow = never
        [uploadpack]
            allowAnySHA1InWant = true

        """;

    private readonly WorkspaceOptions _options;
    private readonly string _configurationFile;

    public Git(WorkspaceOptions options)
    {
        _options = options;
        var folder = Path.GetFullPath(options.WorkFolder);
        _configurationFile = Path.Combine(folder, "gitconfig");
        try
        {
            Directory.CreateDirectory(folder);
            if (!File.Exists(_configurationFile) || File.ReadAllText(_configurationFile) != OwnConfiguration)
            {
                var written = _configurationFile + "." + Guid.NewGuid().ToString("N");
                File.WriteAllText(written, OwnConfiguration);
                File.Move(written, _configurationFile, overwrite: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkspaceException(WorkspaceCodes.WorkFolderUnusable,
                $"The work folder {folder} cannot be written: {e.Message} Set COGO_WORK to a folder that can.", Verdict.Infrastructure, e);
        }
    }

    public async Task<GitResult> RunAsync(string folder, IReadOnlyList<string> arguments, CancellationToken cancellationToken, GitCall? call = null)
    {
        call ??= new GitCall();
        var output = new List<string>();
        var error = new StringBuilder();
        var spec = Spec(folder, arguments, call);
        ProcessResult result;
        try
        {
            result = await ProcessTree.RunAsync(spec, line =>
            {
                lock (output)
                {
                    if (line.Stream == OutputStream.StandardOutput)
                        output.Add(line.Text);
                    else if (error.Length < 64 * 1024)
                        error.Append(line.Text).Append('\n');
                }
            }, cancellationToken);
        }
        catch (CommandNotFoundException e)
        {
            throw new WorkspaceException(WorkspaceCodes.GitFailed,
                $"git could not be started. {e.Message}", Verdict.Infrastructure, e);
        }

        cancellationToken.ThrowIfCancellationRequested();
        lock (output)
            return new GitResult(result, output, error.ToString());
    }

    /// <summary>Runs a command that only the machine can make fail.</summary>
    public async Task<GitResult> MustAsync(string folder, IReadOnlyList<string> arguments, CancellationToken cancellationToken, GitCall? call = null)
    {
        var result = await RunAsync(folder, arguments, cancellationToken, call);
        return result.Succeeded
            ? result
            : throw new WorkspaceException(WorkspaceCodes.GitFailed,
                $"git {arguments.FirstOrDefault(argument => !argument.StartsWith('-'))} failed in the work folder: {result.Words}.", Verdict.Infrastructure);
    }

    /// <summary>A local command whose bytes its caller reads and writes, and whose process it ends.</summary>
    public Process Start(string folder, IReadOnlyList<string> arguments)
    {
        var spec = Spec(folder, arguments, new GitCall());
        var environment = ProcessEnvironment.For(spec);
        try
        {
            var start = new ProcessStartInfo(ProcessEnvironment.Resolve(spec.FileName, folder, environment), spec.Arguments)
            {
                WorkingDirectory = folder,
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };
            start.Environment.Clear();
            foreach (var (name, value) in environment)
                start.Environment[name] = value;
            return Process.Start(start) ?? throw new InvalidOperationException("git did not start.");
        }
        catch (CommandNotFoundException e)
        {
            throw new WorkspaceException(WorkspaceCodes.GitFailed, $"git could not be started. {e.Message}", Verdict.Infrastructure, e);
        }
    }

    private ProcessSpec Spec(string folder, IReadOnlyList<string> arguments, GitCall call) => new()
    {
        FileName = "git",
        Arguments = [.. Hygiene, .. call.Settings, .. arguments],
        WorkingDirectory = folder,
        CleanEnvironment = !call.Remote,
        Environment = Environment(call),
        Limits = new ProcessLimits { WallClock = call.Fetch ? _options.FetchTimeout : _options.GitTimeout, OutputBytes = call.OutputBytes },
    };

    private Dictionary<string, string?> Environment(GitCall call)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            // Only the way to a remote is inherited; GIT_DIR and its kin would point git at another repository.
            var name = (string)entry.Key;
            if (name.StartsWith("GIT_", StringComparison.Ordinal)
                && !(call.Remote && name is "GIT_SSH" or "GIT_SSH_COMMAND" or "GIT_SSL_CAINFO" or "GIT_SSL_CAPATH" or "GIT_CONFIG_GLOBAL"))
                environment[name] = null;
        }

        environment["LC_ALL"] = "C";
        environment["LANGUAGE"] = null;
        environment["SSH_ASKPASS"] = null;
        environment["GIT_TERMINAL_PROMPT"] = "0";
        environment["GIT_ALLOW_PROTOCOL"] = "http:https:ssh:file";
        environment["GIT_OPTIONAL_LOCKS"] = "0";
        environment["GIT_NO_LAZY_FETCH"] = "1";
        environment["GIT_LITERAL_PATHSPECS"] = "1";
        environment["GIT_AUTHOR_NAME"] = environment["GIT_COMMITTER_NAME"] = "Cogo";
        environment["GIT_AUTHOR_EMAIL"] = environment["GIT_COMMITTER_EMAIL"] = "cogo@localhost";
        if (call.Remote)
        {
            if (System.Environment.GetEnvironmentVariable("GIT_SSH_COMMAND") is null && System.Environment.GetEnvironmentVariable("GIT_SSH") is null)
                environment["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes";
        }
        else
        {
            environment["GIT_CONFIG_NOSYSTEM"] = "1";
            environment["GIT_CONFIG_GLOBAL"] = _configurationFile;
        }

        foreach (var (name, value) in call.Environment)
            environment[name] = value;
        return environment;
    }
}

/// <summary>How a git command differs from an ordinary local one.</summary>
internal sealed record GitCall
{
    /// <summary>It may take as long as a fetch.</summary>
    public bool Fetch { get; init; }

    /// <summary>It talks to another machine: the user's settings and agent count.</summary>
    public bool Remote { get; init; }

    /// <summary>Most that it may print, in bytes; null: no bound.</summary>
    public long? OutputBytes { get; init; }

    /// <summary>More <c>-c name=value</c>, pair by pair.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);
}
