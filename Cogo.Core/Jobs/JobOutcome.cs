using Cogo.Core.Audit;

namespace Cogo.Core.Jobs;

/// <summary>How an attempt at a job ended.</summary>
public abstract record JobOutcome
{
    private JobOutcome()
    {
    }

    /// <summary>Audited in the transaction that ends the attempt, in this order.</summary>
    public IReadOnlyList<AuditEvent> Events { get; init; } = [];

    /// <param name="Result">Serialized to JSON and kept with the job; null for none.</param>
    public sealed record Succeeded(object? Result = null) : JobOutcome;

    /// <summary>Again after <paramref name="After"/> (default: exponential backoff with full jitter); dead-lettered when the attempts are used up.</summary>
    public sealed record Retry(string Reason, TimeSpan? After = null) : JobOutcome;

    /// <summary>Not yet: again after <paramref name="For"/>, and the attempt does not count.</summary>
    public sealed record Snooze(TimeSpan For, string? Reason = null) : JobOutcome;

    /// <summary>Never going to work: dead-lettered now.</summary>
    /// <param name="Code">A short snake_case word.</param>
    /// <param name="Reason">A sentence that says what to do.</param>
    public sealed record Failed(string Code, string Reason) : JobOutcome;

    /// <summary>Ended because it was cancelled.</summary>
    public sealed record Cancelled : JobOutcome;
}
