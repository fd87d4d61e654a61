namespace Cogo.Core.Bus;

/// <summary>A delivery and the session that holds it.</summary>
internal sealed record Held(Delivery Delivery, WorkerSession Session);

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
