using Cogo.Core.Processes;

namespace Cogo.Workers.BuildTest;

/// <summary>What to build and test, and for whom.</summary>
public sealed record BuildTestInput
{
    /// <summary>The working copy with the change applied. Commands run in it and leave their output there, so it should be thrown away afterwards.</summary>
    public required string Folder { get; init; }

    /// <summary>Where logs and test results are put; made if need be. Must lie outside <see cref="Folder"/>.</summary>
    public required string ResultsFolder { get; init; }

    /// <summary><c>TMPDIR</c> of the commands; null: this process's.</summary>
    public string? TemporaryFolder { get; init; }

    public required string TaskId { get; init; }

    public required string TraceId { get; init; }

    /// <summary>Which attempt at the task this is, such as the message id and its attempt number.</summary>
    public required string AttemptId { get; init; }

    /// <summary>Where the change came from; null when the working copy is tested as it is.</summary>
    public ChangeReference? Change { get; init; }

    /// <summary>A line for <c>sh</c> instead of the build that was detected; null: that one.</summary>
    public string? BuildCommand { get; init; }

    /// <summary>Run the project's linter too, where it has one. What it finds does not keep the tests from running.</summary>
    public bool Lint { get; init; }

    /// <summary>For each stage by itself.</summary>
    public ProcessLimits Limits { get; init; } = DefaultLimits;

    /// <summary>15 minutes, 5 minutes of silence, 4 GiB of memory, 64 MiB of output, 512 processes.</summary>
    public static ProcessLimits DefaultLimits { get; } = new()
    {
        WallClock = TimeSpan.FromMinutes(15),
        NoOutput = TimeSpan.FromMinutes(5),
        MemoryBytes = 4L << 30,
        OutputBytes = 64L << 20,
        Processes = 512,
    };
}
