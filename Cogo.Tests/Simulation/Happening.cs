namespace Cogo.Tests.Simulation;

/// <summary>What can happen to a message, to a session, and to a queue.</summary>
internal enum Kind
{
    Committed,
    Claimed,
    Returned,
    Finished,
    Buried,
    Renewed,

    /// <summary>A worker asks to renew a session though it has heard that it ended.</summary>
    RenewedInVain,
    Revoked,
    Paused,
    Resumed,
}

/// <summary>One thing that the store let happen.</summary>
/// <param name="Code">Why; of a claim, and of a queue, the route.</param>
internal sealed record Happening(Kind Kind, long Id, long Fence, long Session, int Attempt, string Code = "")
{
    /// <summary>Code of what came back because its session ended.</summary>
    public const string Taken = "taken";

    /// <summary>Code of what a handler wants to try again.</summary>
    public const string Retried = "retried";

    /// <summary>Code of what is left behind: another message has its key.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>Code of what came back without an attempt being counted.</summary>
    public const string HandedBack = "handed back";
}
