namespace Cogo.Core.Bus;

/// <summary>A delivery and the session that holds it.</summary>
/// <param name="Place">Where in its claim it came, from 0: a claim that is acknowledged whole goes back in its own order.</param>
internal sealed record Held(Delivery Delivery, WorkerSession Session, int Place)
{
    /// <summary>Cancelled when the lease is lost or the worker stops.</summary>
    public CancellationToken Limit { get; set; }
}

/// <summary>What became of ending an attempt.</summary>
internal enum Ending
{
    /// <summary>Written.</summary>
    Accepted,

    /// <summary>Its attempts are used up, or it failed for good: dead-lettered.</summary>
    DeadLettered,

    /// <summary>Another worker holds the message, or it was finished before: nothing was written.</summary>
    Fenced,
}
