namespace Cogo.Workers.BuildTest;

/// <summary>Why a verdict is not <c>passed</c>, in a word that programs can act on.</summary>
public static class FailureClass
{
    // The change is at fault.
    public const string RestoreFailed = "restore_failed";
    public const string BuildFailed = "build_failed";
    public const string LintFailed = "lint_failed";
    public const string TestsFailed = "tests_failed";

    /// <summary>All tests green, and yet the command failed.</summary>
    public const string ExitCode = "exit_code";

    /// <summary>A test failed, and yet the command succeeded.</summary>
    public const string ResultsDisagree = "results_disagree";
    public const string NoTests = "no_tests";
    public const string AllSkipped = "all_skipped";
    public const string ReportMissing = "report_missing";
    public const string ReportMalformed = "report_malformed";

    /// <summary>A stage was ended by a signal that no limit sent.</summary>
    public const string Crashed = "crashed";
    public const string Timeout = "timeout";
    public const string NoOutput = "no_output";
    public const string Memory = "memory";
    public const string Output = "output";
    public const string Processes = "processes";

    // The machine is at fault.
    public const string ToolchainMissing = "toolchain_missing";
    public const string DiskFull = "disk_full";
    public const string Network = "network";
    public const string CannotStart = "cannot_start";

    /// <summary>Machine or change, the output does not tell.</summary>
    public const string Ambiguous = "ambiguous";

    // The request is at fault.
    public const string Unsupported = "unsupported";
    public const string InvalidCogoJson = "invalid_cogo_json";
}
