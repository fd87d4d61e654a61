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

    /// <summary>What is committed after a message with a higher id was read is not read any more.</summary>
    LateCommitsAreSkipped,
}
