using Cogo.Core.Processes;

namespace Cogo.Workers.Codegen.Engines;

/// <summary>
/// Runs the request's command line by <c>/bin/sh</c> in the project's folder, within limits, and ends whatever it
/// started. It gets the task in <c>COGO_TASK</c> and on its standard input, and of the worker's environment only what
/// toolchains need.
/// </summary>
public sealed class CommandEngine(CodegenOptions options, CommandEngineOptions bounds) : ICodegenEngine
{
    private const int TailLines = 5;

    // Linux takes at most 128 KiB in one variable; a longer task is on the standard input alone.
    private const int LongestVariable = 100_000;

    public string Name => RequestRules.CommandEngine;

    public async Task<EngineResult> RunAsync(EngineContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Log.Write($"$ {context.Request.Command}");
        var tail = new Queue<string>();
        ProcessResult result;
        try
        {
            result = await ProcessTree.RunAsync(Spec(context), line =>
            {
                context.Log.Write(line.Text);
                context.Progress(line.Text);
                if (string.IsNullOrWhiteSpace(line.Text))
                    return;
                if (tail.Count == TailLines)
                    tail.Dequeue();
                tail.Enqueue(line.Text.Length <= 300 ? line.Text : string.Concat(line.Text.AsSpan(0, 300), "…"));
            }, cancellationToken);
        }
        catch (CommandNotFoundException e)
        {
            return new EngineResult.TryAgain(e.Message);
        }

        cancellationToken.ThrowIfCancellationRequested();
        context.Log.Write($"ended with {result.ExitCode?.ToString() ?? result.Signal} after {result.Duration.TotalSeconds:0.0} s, {result.PeakMemoryBytes / (1024 * 1024)} MiB at most");
        if (result.Succeeded)
            return new EngineResult.Done();

        var (code, what) = Describe(result);
        var said = tail.Count > 0 ? $" Its last words: {string.Join(" | ", tail)}" : " It printed nothing.";
        return new EngineResult.Failed(code, $"The command {what}.{said}", Verdict.Failed);
    }

    private ProcessSpec Spec(EngineContext context)
    {
        var task = context.Request.Task ?? "";
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var name in bounds.PassedVariables)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                environment[name] = value;
        }

        environment["COGO_TASK"] = task.Length <= LongestVariable ? task : null;
        environment["COGO_TASK_ID"] = context.TaskId;
        environment["COGO_REPAIR"] = (context.Request.Repair?.Number ?? 0).ToString(System.Globalization.CultureInfo.InvariantCulture);
        environment["COGO_TRACE_ID"] = context.TraceId;
        environment["COGO_BASE_COMMIT"] = context.Copy.BaseCommit;
        environment["GIT_TERMINAL_PROMPT"] = "0";
        environment["TMPDIR"] = context.Copy.TemporaryFolder;
        // An agent may commit; what it committed is part of its change.
        environment["GIT_AUTHOR_NAME"] = environment["GIT_COMMITTER_NAME"] = "Cogo";
        environment["GIT_AUTHOR_EMAIL"] = environment["GIT_COMMITTER_EMAIL"] = "cogo@localhost";
        return new ProcessSpec
        {
            FileName = "/bin/sh",
            Arguments = ["-c", context.Request.Command ?? ""],
            WorkingDirectory = context.Copy.Project.Root,
            CleanEnvironment = true,
            Environment = environment,
            StandardInput = task,
            Limits = new ProcessLimits
            {
                WallClock = options.Timeout,
                NoOutput = bounds.Silence,
                MemoryBytes = bounds.MemoryBytes,
                OutputBytes = bounds.OutputBytes,
                Processes = bounds.Processes,
            },
        };
    }

    private (string Code, string What) Describe(ProcessResult result) => result.StopReason switch
    {
        StopReason.WallClock => ("command_timeout", $"did not end within {options.Timeout.TotalSeconds:0} s and was ended; give it less to do or raise CODEGEN_TIMEOUT_SECONDS"),
        StopReason.NoOutput => ("command_silent", $"printed nothing for {bounds.Silence.TotalSeconds:0} s and was ended; let it print, or raise CODEGEN_COMMAND_SILENCE_SECONDS"),
        StopReason.Memory => ("command_memory", $"used more than {bounds.MemoryBytes / (1024 * 1024):N0} MiB and was ended; see CODEGEN_COMMAND_MEMORY_MB"),
        StopReason.Output => ("command_output", $"printed more than {bounds.OutputBytes / (1024 * 1024):N0} MiB and was ended; see CODEGEN_COMMAND_OUTPUT_MB"),
        StopReason.Processes => ("command_processes", $"had more than {bounds.Processes:N0} processes at once and was ended; see CODEGEN_COMMAND_PROCESSES"),
        _ when result.Signal is { } signal => ("command_failed", $"was ended by {signal}"),
        _ when result.ExitCode == 127 => ("command_failed", "ended with exit code 127: a program that it names is not on the worker's PATH"),
        _ => ("command_failed", $"ended with exit code {result.ExitCode}"),
    };
}
