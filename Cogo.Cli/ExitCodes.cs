using Cogo.Core.Pipeline;

namespace Cogo.Cli;

/// <summary>What a shell or a CI sees.</summary>
public static class ExitCodes
{
    public const int Passed = (int)Verdict.Passed;
    public const int Failed = (int)Verdict.Failed;
    public const int Infrastructure = (int)Verdict.Infrastructure;
    public const int Invalid = (int)Verdict.Invalid;

    /// <summary>Ctrl-C, as shells count it.</summary>
    public const int Interrupted = 130;

    public static int Of(Verdict verdict) => (int)verdict;
}
