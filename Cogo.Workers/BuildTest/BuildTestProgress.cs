namespace Cogo.Workers.BuildTest;

public enum StageState
{
    Started,
    Ended,
}

/// <summary>A stage began or ended.</summary>
/// <param name="Stage"><c>restore</c>, <c>build</c>, <c>lint</c> or <c>test</c>.</param>
/// <param name="Exit">Exit code; null while it runs, or when a signal or a limit ended it.</param>
/// <param name="Duration">Null while it runs.</param>
public sealed record BuildTestProgress(string Stage, StageState State, int? Exit = null, TimeSpan? Duration = null);
