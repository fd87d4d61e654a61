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

    public const string IndexingProgress = "indexing_progress";
    public const string IndexingRetry = "indexing_retry";
    public const string IndexingFailed = "indexing_failed";
    public const string IndexingDone = "indexing_done";

    public const string BuildTestProgress = "buildtest_progress";
    public const string BuildTestRetry = "buildtest_retry";
    public const string BuildTestFailed = "buildtest_failed";
    public const string BuildTestDone = "buildtest_done";

    public const string WorkflowStarted = "workflow_started";
    public const string WorkflowStepStarted = "workflow_step_started";
    public const string WorkflowStepDone = "workflow_step_done";
    public const string WorkflowStepFailed = "workflow_step_failed";
    public const string WorkflowRepair = "workflow_repair";
    public const string WorkflowRetried = "workflow_retried";
    public const string WorkflowDone = "workflow_done";
    public const string WorkflowFailed = "workflow_failed";
    public const string WorkflowCancelled = "workflow_cancelled";

    /// <summary>A worker left a step alone, since its run does not want it any more.</summary>
    public const string StepCancelled = "step_cancelled";

    public const string GateFix = "gate_fix";
    public const string GatePassed = "gate_passed";
    public const string GateFailed = "gate_failed";

    /// <summary>A webhook took a notification; under the trace that it tells of.</summary>
    public const string NotificationDelivered = "notification_delivered";

    /// <summary>An attempt to deliver a notification did not succeed; under the trace that it tells of.</summary>
    public const string NotificationFailed = "notification_failed";

    /// <summary>An administrator's request was carried out.</summary>
    public const string AdminAction = "admin_action";

    /// <summary>A request came with a wrong admin token.</summary>
    public const string AdminRefused = "admin_refused";
}
