namespace Cogo.Workers.Jobs.Shell;

/// <summary>Whether and within what limits <c>shell.run</c> runs commands.</summary>
public sealed record ShellJobOptions
{
    /// <summary>Off unless turned on: a row in the database is enough to run a command.</summary>
    public bool Enabled { get; init; }

    /// <summary>Where the payload names none.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Resident memory of the whole process tree.</summary>
    public long MemoryBytes { get; init; } = 2L * 1024 * 1024 * 1024;

    /// <summary>Both streams together.</summary>
    public long OutputBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Alive at once.</summary>
    public int Processes { get; init; } = 512;

    /// <summary>Names of the worker's variables that commands may see beside the usual ones.</summary>
    public IReadOnlyList<string> PassedVariables { get; init; } = [];
}
