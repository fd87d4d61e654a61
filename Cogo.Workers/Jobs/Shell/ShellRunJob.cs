using System.Text;
using Cogo.Core.Artifacts;
using Cogo.Core.Jobs;
using Cogo.Core.Processes;

namespace Cogo.Workers.Jobs.Shell;

/// <summary>
/// <c>shell.run</c>: a command line by <c>/bin/sh</c>, within limits, in a clean environment and, unless it names one, an
/// empty folder of its own. Whatever it started is ended with it.
/// </summary>
internal sealed class ShellRunJob(ShellJobOptions options) : IJobHandler
{
    private const int TailCharacters = 4096;
    private const int LongestTimeoutMs = 24 * 3600 * 1000;

    public string Type => "shell.run";

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (!options.Enabled)
            return new JobOutcome.Failed("shell_jobs_disabled", "This worker does not run commands: shell.run does what a row in the database says. Set SHELL_JOBS_ENABLED=true where everyone who can enqueue may do that, and replay the job.");
        if (!JobPayload.TryRead<ShellPayload>(job, out var payload, out var failed))
            return failed;
        if (Problem(payload) is { } problem)
            return JobPayload.Fault(job, problem);

        var own = Directory.CreateTempSubdirectory("cogo-shell-");
        try
        {
            // The log lies beside the folder that the command works in, where it is not in its way.
            var work = own.CreateSubdirectory("work").FullName;
            var log = Path.Combine(own.FullName, "shell.log");
            var temporary = own.CreateSubdirectory("tmp").FullName;
            var timeout = payload.TimeoutMs is { } ms ? TimeSpan.FromMilliseconds(ms) : options.Timeout;
            ProcessResult result;
            await using (var writer = new StreamWriter(log, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" })
                result = await ProcessTree.RunAsync(Spec(job, payload, payload.Cwd ?? work, temporary, timeout), line => writer.WriteLine(line.Text), cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            await using var content = File.OpenRead(log);
            var artifact = await job.SaveArtifactAsync("shell.log", content, "text/plain; charset=utf-8", cancellationToken);
            return Outcome(payload, result, timeout, artifact);
        }
        catch (CommandNotFoundException e)
        {
            return new JobOutcome.Failed("cannot_start", e.Message);
        }
        finally
        {
            own.Delete(recursive: true);
        }
    }

    private static string? Problem(ShellPayload payload)
    {
        if (string.IsNullOrWhiteSpace(payload.Command))
            return "command is empty";
        if (payload.Command.Contains('\0', StringComparison.Ordinal) || payload.Env.Any(pair => pair.Value?.Contains('\0', StringComparison.Ordinal) ?? true))
            return "command or env holds a NUL character, or env a null";
        if (payload.TimeoutMs is < 1 or > LongestTimeoutMs)
            return $"timeout_ms is not between 1 and {LongestTimeoutMs}";
        if (payload.Cwd is { } folder && !Path.IsPathRooted(folder))
            return "cwd is not an absolute path";
        if (payload.Env.Keys.Any(name => name.Length == 0 || name.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '_') || char.IsAsciiDigit(name[0])))
            return "env holds a name that a shell variable cannot have";
        return payload.RetryOnExit.Any(code => code is < 1 or > 255) ? "retry_on_exit holds a number that is not between 1 and 255" : null;
    }

    private ProcessSpec Spec(JobContext job, ShellPayload payload, string folder, string temporary, TimeSpan timeout)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var name in options.PassedVariables)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                environment[name] = value;
        }

        environment["TMPDIR"] = temporary;
        environment["COGO_JOB_ID"] = job.Id.ToString();
        environment["COGO_TRACE_ID"] = job.TraceId;
        environment["COGO_ATTEMPT"] = job.Attempt.ToString();
        foreach (var (name, value) in payload.Env)
            environment[name] = value;
        return new ProcessSpec
        {
            FileName = "/bin/sh",
            Arguments = ["-c", payload.Command],
            WorkingDirectory = folder,
            CleanEnvironment = true,
            Environment = environment,
            StandardInput = payload.Stdin,
            Limits = new ProcessLimits
            {
                WallClock = timeout,
                MemoryBytes = options.MemoryBytes,
                OutputBytes = options.OutputBytes,
                Processes = options.Processes,
            },
        };
    }

    private JobOutcome Outcome(ShellPayload payload, ProcessResult result, TimeSpan timeout, Artifact log)
    {
        var tail = Tail(result.StandardErrorTail.Length > 0 ? result.StandardErrorTail : result.StandardOutputTail, 500).Trim().ReplaceLineEndings(" | ");
        var said = (tail.Length > 0 ? $" Its last words: {tail}." : " It printed nothing.") + $" All of its output: {log.Path}";
        var limit = result.StopReason switch
        {
            StopReason.WallClock => ("timeout", $"did not end within {timeout.TotalSeconds:0.###} s and was ended; raise timeout_ms or SHELL_JOB_TIMEOUT_SECONDS"),
            StopReason.Memory => ("memory", $"used more than {options.MemoryBytes / (1024 * 1024)} MiB and was ended; see SHELL_JOB_MEMORY_MB"),
            StopReason.Output => ("output", $"printed more than {options.OutputBytes / (1024 * 1024)} MiB and was ended; see SHELL_JOB_OUTPUT_MB"),
            StopReason.Processes => ("processes", $"had more than {options.Processes} processes at once and was ended; see SHELL_JOB_PROCESSES"),
            _ => default((string Code, string What)?),
        };
        if (limit is { } exceeded)
            return new JobOutcome.Failed(exceeded.Code, $"The command {exceeded.What}.{said}");
        if (result.ExitCode is 0)
        {
            return new JobOutcome.Succeeded(new ShellResult(
                0, (long)result.Duration.TotalMilliseconds, result.PeakMemoryBytes, Tail(result.StandardOutputTail, TailCharacters), Tail(result.StandardErrorTail, TailCharacters), log.Path));
        }

        if (result.ExitCode is { } code && payload.RetryOnExit.Contains(code))
            return new JobOutcome.Retry($"The command ended with exit code {code}, which retry_on_exit names.{said}");
        return result.Signal is { } signal
            ? new JobOutcome.Failed("signal", $"The command was ended by {signal}.{said}")
            : new JobOutcome.Failed("exit_code", $"The command ended with exit code {result.ExitCode}.{said}");
    }

    // Postgres keeps no NUL in JSON.
    private static string Tail(string text, int length) =>
        (text.Length <= length ? text : text[^length..]).Replace('\0', '\ufffd');

    private sealed record ShellPayload
    {
        public required string Command { get; init; }

        public string? Cwd { get; init; }

        public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

        public string? Stdin { get; init; }

        public int? TimeoutMs { get; init; }

        public IReadOnlyList<int> RetryOnExit { get; init; } = [];
    }

    private sealed record ShellResult(int ExitCode, long DurationMs, long PeakMemoryBytes, string StdoutTail, string StderrTail, string Log);
}
