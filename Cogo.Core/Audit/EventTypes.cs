namespace Cogo.Core.Audit;

/// <summary>The event types of <c>public.bus_events</c> that other programs rely on.</summary>
public static class EventTypes
{
    public const string ExecuteEnqueued = "execute_enqueued";
    public const string ExecuteRetry = "execute_retry";
    public const string ExecuteFailed = "execute_failed";
    public const string ExecuteDone = "execute_done";

    public const string CodegenProgress = "codegen_progress";
    public const string CodegenRetry = "codegen_retry";
    public const string CodegenFailed = "codegen_failed";
    public const string CodegenDone = "codegen_done";

    public const string BuildTestProgress = "buildtest_progress";
    public const string BuildTestRetry = "buildtest_retry";
    public const string BuildTestFailed = "buildtest_failed";
    public const string BuildTestDone = "buildtest_done";
}
