namespace Cogo.Core.Pipeline;

/// <summary>What came of a task. The command line exits with 0, 1, 2 and 3 in this order.</summary>
public enum Verdict
{
    /// <summary>Built, tested, green.</summary>
    Passed,

    /// <summary>The change is at fault: it does not build, a test fails, or no test ran.</summary>
    Failed,

    /// <summary>The machine is at fault: nothing is known about the change.</summary>
    Infrastructure,

    /// <summary>The request is at fault: no such repository, a patch that does not apply.</summary>
    Invalid,
}
