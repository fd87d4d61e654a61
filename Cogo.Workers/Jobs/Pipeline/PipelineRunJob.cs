using Cogo.Core.Audit;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Pipeline;

/// <summary>
/// <c>pipeline.run</c>: a change through codegen, build and test, as by the API, and its verdict as the job's end. The
/// task is published once however often the job is attempted; a later attempt waits for the same one.
/// </summary>
internal sealed class PipelineRunJob(IPublisher publisher, TraceReader traces, TimeProvider time) : IJobHandler
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // Event ids are handed out before commit: one may turn up below what was seen.
    private const int LookBack = 1000;

    public string Type => "pipeline.run";

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (!JobPayload.TryRead<PipelinePayload>(job, out var payload, out var failed))
            return failed;
        var request = payload.Request($"job-{job.Id}");
        if (RequestRules.Check(request, Route.Codegen) is [var problem, ..])
            return JobPayload.Fault(job, problem.Message.TrimEnd('.'));

        PublishReceipt receipt;
        try
        {
            // A trace of its own: the job's may hold the verdict of an earlier run, when a dead job is replayed.
            receipt = await publisher.PublishAsync(
                OutgoingMessage.Of(Route.Execute, request) with { IdempotencyKey = $"job:{job.Id}", TraceId = Guid.NewGuid().ToString("N") },
                cancellationToken);
        }
        catch (ArgumentException e)
        {
            return JobPayload.Fault(job, e.Message.TrimEnd('.'));
        }

        return await VerdictAsync(job, request.TaskId!, receipt.TraceId, cancellationToken);
    }

    private async Task<JobOutcome> VerdictAsync(JobContext job, string taskId, string traceId, CancellationToken cancellationToken)
    {
        long seen = 0;
        await job.ReportProgressAsync(0, $"trace {traceId}", cancellationToken);
        while (true)
        {
            var trace = await traces.ReadAsync(traceId, seen - LookBack, cancellationToken);
            if (trace?.Verdict is { } verdict)
                return Ended(verdict, trace, taskId);

            var news = trace?.Timeline.LastOrDefault(entry => entry.Kind == TimelineKind.Event && entry.Id > seen);
            if (news is { Id: { } id })
            {
                seen = id;
                await job.ReportProgressAsync(Fraction(news.Type), $"{news.Type}, trace {traceId}", cancellationToken);
            }

            await Task.Delay(LookEvery, time, cancellationToken);
        }
    }

    private static JobOutcome Ended(Verdict verdict, TraceTimeline trace, string taskId)
    {
        var reason = $"{trace.Reason ?? "No reason was given."} Trace {trace.TraceId}, task {taskId}.";
        return verdict switch
        {
            Verdict.Passed => new JobOutcome.Succeeded(new { verdict, trace_id = trace.TraceId, task_id = taskId }),
            Verdict.Failed => new JobOutcome.Failed("change_failed", $"The change does not pass: {reason}"),
            Verdict.Invalid => new JobOutcome.Failed("request_invalid", $"The request cannot be worked on: {reason}"),
            _ => new JobOutcome.Failed("infrastructure", $"Nothing is known about the change: {reason} Replay the job once that is mended."),
        };
    }

    private static double Fraction(string type) => type switch
    {
        EventTypes.ExecuteDone => 0.05,
        EventTypes.CodegenProgress or EventTypes.CodegenRetry => 0.2,
        EventTypes.CodegenDone => 0.5,
        EventTypes.BuildTestProgress or EventTypes.BuildTestRetry => 0.6,
        _ => 0,
    };
}
