namespace Cogo.Workers.Jobs.Browser;

/// <summary>Why a browser job did not get what it wanted.</summary>
/// <param name="Code">A short snake_case word.</param>
/// <param name="Kind">What the job does about it.</param>
internal sealed record Fault(string Code, string Reason, FaultKind Kind);

internal enum FaultKind
{
    /// <summary>The page is not as it was said to be: the job's own verdict.</summary>
    Assertion,

    /// <summary>It would be the same again.</summary>
    Permanent,

    /// <summary>The network, the server or the browser: again later.</summary>
    Transient,
}
