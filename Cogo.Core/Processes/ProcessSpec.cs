namespace Cogo.Core.Processes;

/// <summary>A command to run in a process tree of its own.</summary>
public sealed record ProcessSpec
{
    public required string FileName { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    public required string WorkingDirectory { get; init; }

    /// <summary>Laid over the environment that the process inherits; a null value removes the name.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>Start from an empty environment (PATH, HOME, LANG, TMPDIR and the toolchains' own settings only) so that no secret of ours leaks to it.</summary>
    public bool CleanEnvironment { get; init; }

    public string? StandardInput { get; init; }

    public ProcessLimits Limits { get; init; } = new();
}

/// <summary>What ends a process tree early. Null means unlimited.</summary>
public sealed record ProcessLimits
{
    public TimeSpan? WallClock { get; init; }

    /// <summary>Longest silence on both stdout and stderr.</summary>
    public TimeSpan? NoOutput { get; init; }

    /// <summary>Resident memory of the whole tree.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Both streams together; the tree is killed beyond it.</summary>
    public long? OutputBytes { get; init; }

    /// <summary>Processes alive at once in the tree.</summary>
    public int? Processes { get; init; }
}

/// <summary>Which limit ended the tree.</summary>
public enum StopReason
{
    /// <summary>It ended by itself.</summary>
    None,
    WallClock,
    NoOutput,
    Memory,
    Output,
    Processes,
    Cancelled,
}

public enum OutputStream
{
    StandardOutput,
    StandardError,
}

public sealed record OutputLine(OutputStream Stream, string Text);

public sealed record ProcessResult
{
    /// <summary>Null when a signal or a limit ended it.</summary>
    public int? ExitCode { get; init; }

    /// <summary>Name of the signal that ended the main process, such as <c>SIGKILL</c>.</summary>
    public string? Signal { get; init; }

    public StopReason StopReason { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public TimeSpan Duration { get; init; }

    public long PeakMemoryBytes { get; init; }

    /// <summary>Bytes seen on both streams.</summary>
    public long OutputBytes { get; init; }

    /// <summary>The last 64 KiB of each stream, for messages; the whole goes to the line callback.</summary>
    public string StandardOutputTail { get; init; } = "";

    public string StandardErrorTail { get; init; } = "";

    public bool Succeeded => ExitCode == 0 && StopReason == StopReason.None;
}
