using Cogo.Core.Audit;
using Cogo.Core.Pipeline;
using Npgsql;

namespace Cogo.Core.Bus;

/// <summary>
/// How an attempt ended. What an outcome publishes and audits is written in the transaction that acknowledges
/// the message, under its fence: all of it happens once, or none of it.
/// </summary>
public abstract record Outcome
{
    private Outcome()
    {
    }

    /// <summary>Messages published together with the acknowledgement.</summary>
    public IReadOnlyList<OutgoingMessage> Publish { get; init; } = [];

    /// <summary>Events audited together with the acknowledgement, in this order.</summary>
    public IReadOnlyList<AuditEvent> Events { get; init; } = [];

    /// <summary>
    /// SQL of the handler's own, run in the transaction that ends the message, once the fence is known to hold and
    /// before the events and messages: a row it writes exists exactly when this attempt counted. It is run again
    /// when the transaction failed because the database was away, so it must touch nothing else. An error that
    /// trying again cannot mend ends the attempt as a retry.
    /// </summary>
    public Func<NpgsqlTransaction, CancellationToken, Task>? Write { get; init; }

    public static Done Completed(IReadOnlyList<AuditEvent>? events = null, IReadOnlyList<OutgoingMessage>? publish = null) =>
        new() { Events = events ?? [], Publish = publish ?? [] };

    /// <summary>The message is finished.</summary>
    public sealed record Done : Outcome;

    /// <summary>
    /// Try again after <paramref name="After"/> (default: exponential backoff with full jitter). When the attempts
    /// are used up the message is dead-lettered as <c>retries_exhausted</c> instead.
    /// </summary>
    public sealed record Retry(string Reason, TimeSpan? After = null) : Outcome
    {
        /// <summary>False: this attempt is not counted, so that it can be put off any number of times.</summary>
        public bool Counts { get; init; } = true;
    }

    /// <summary>
    /// Never going to work: dead-lettered now. <paramref name="Code"/> is a short snake_case word,
    /// <paramref name="Reason"/> a sentence that says what to do, <paramref name="Verdict"/> whose fault it is.
    /// </summary>
    public sealed record Fail(string Code, string Reason, Verdict Verdict) : Outcome;
}
