namespace Cogo.Tests.Simulation;

/// <summary>A bug planted in the model, to see that the simulation finds it.</summary>
public enum PlantedBug
{
    None,

    /// <summary>An ending is accepted though its claim was revoked.</summary>
    NoFence,

    /// <summary>A message may be ended twice under one claim.</summary>
    NoSecondLook,

    /// <summary>Claims whose answer was lost are not looked for.</summary>
    LostClaimsStayLost,

    /// <summary>An attempt that is taken back does not count.</summary>
    CrashesDoNotCount,

    /// <summary>A second message with a key is delivered as well.</summary>
    KeysAreNotChecked,

    /// <summary>A key on one route keeps messages from another.</summary>
    KeysAreOfAllRoutes,

    /// <summary>What is committed after a message with a higher id was read is not read any more.</summary>
    LateCommitsAreSkipped,

    /// <summary>A heartbeat writes down that all claims so far are finished.</summary>
    FloorIsTooHigh,

    /// <summary>A heartbeat brings a session back whose lease was taken.</summary>
    EndedSessionsAreRenewed,

    /// <summary>A claim does not ask whether the queue is paused.</summary>
    PausedQueuesAreRead,

    /// <summary>What is due is claimed by age alone.</summary>
    PrioritiesAreIgnored,
}
