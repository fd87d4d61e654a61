using System.ComponentModel;
using Cogo.Api.Metrics;
using Cogo.Api.Pipeline;
using Cogo.Api.Problems;
using Cogo.Api.Reference;
using Cogo.Core.Admin;
using Cogo.Core.Gates;
using Cogo.Core.Metrics;
using Cogo.Core.Notifications;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Cogo.Api.Admin;

/// <summary><c>POST /api/admin/notify</c> and <c>/notify/gate</c>.</summary>
internal static class NotifyEndpoints
{
    private const string Delivery = " A worker that has `WEBHOOK_TYPE` delivers it, with retries; `links.trace` shows `notification_delivered`, or `notification_failed` and why.";

    public static void MapNotify(this IEndpointRouteBuilder group)
    {
        group.MapPost("/notify", NotifyAsync)
            .WithName("adminNotify")
            .WithSummary("Tell the webhook")
            .WithDescription("Puts a notification on the job queue." + Delivery)
            .TakesSubmission<NotifyRequest>()
            .WithExamples(AdminExamples.NotifyRequest, StatusCodes.Status202Accepted, AdminExamples.Accepted);
        group.MapPost("/notify/gate", GateAsync)
            .WithName("adminNotifyGate")
            .WithSummary("Tell the webhook what a gate says")
            .WithDescription("Holds the gate `q1` or `acceptance` over the figures of now and tells its rules." + Delivery)
            .TakesSubmission<GateNotifyRequest>()
            .WithExamples(AdminExamples.GateRequest, StatusCodes.Status202Accepted, AdminExamples.GateAccepted);
    }

    /// <summary>Enqueues a notification once for a key, and audits that somebody wanted it.</summary>
    /// <param name="asked">What tells this request from another of the same action.</param>
    /// <param name="onceKey">The same one is told once, whoever asks; null: always.</param>
    public static async Task<Results<Accepted<NotificationAccepted>, ProblemHttpResult>> EnqueueAsync(
        HttpContext context, AdminRequests requests, string action, string asked, string? key, Func<Task<(Notification Notification, GateVerdict? Verdict)>> make,
        string? onceKey, CancellationToken cancellationToken)
    {
        var traceId = AdminTrace.Id();
        var result = await requests.CarryOutAsync<NotificationAccepted>(
            new AdminRequest(action, asked, key, traceId, AdminTrace.Address(context)),
            async (transaction, stop) =>
            {
                var (notification, verdict) = await make();
                var receipt = await NotificationQueue.EnqueueAsync(transaction, notification, onceKey, traceId, stop);
                var shown = notification.TraceId ?? receipt.TraceId;
                var answer = new NotificationAccepted(receipt.Id, shown, notification.Subject, receipt.Duplicate, verdict, new NotificationLinks($"/api/metrics/trace/{shown}"));
                return (answer, new { job_id = receipt.Id, receipt.Duplicate, about_trace_id = notification.TraceId });
            },
            cancellationToken);
        return result.Answer is { } accepted
            ? TypedResults.Accepted(accepted.Links.Trace, result.Duplicate ? accepted with { Duplicate = true } : accepted)
            : KeyReused(key);
    }

    public static ProblemHttpResult KeyReused(string? key) => Problem.Of(
        StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", $"{IdempotencyKey.Header} {key} belongs to another admin request: use a key of its own for each different one.");

    private static async Task<Results<Accepted<NotificationAccepted>, ProblemHttpResult>> NotifyAsync(
        NotifyRequest request,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        HttpContext context,
        AdminRequests requests,
        CancellationToken cancellationToken)
    {
        var notification = new Notification { Subject = request.Subject ?? "", Text = request.Text ?? "", TraceId = request.TraceId };
        var problems = notification.Problems().ToDictionary(problem => problem.Key, problem => $"{problem.Value}.", StringComparer.Ordinal);
        if (IdempotencyKey.Problem(idempotencyKey) is { } wrong)
        {
            problems[IdempotencyKey.Header] = wrong;
        }

        return problems.Count > 0
            ? Problem.Invalid(problems)
            : await EnqueueAsync(
                context, requests, "notify", $"{notification.TraceId}\n{notification.Subject}\n{notification.Text}", idempotencyKey,
                () => Task.FromResult((notification, (GateVerdict?)null)), onceKey: null, cancellationToken);
    }

    private static async Task<Results<Accepted<NotificationAccepted>, ProblemHttpResult>> GateAsync(
        GateNotifyRequest request,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Description)] string? idempotencyKey,
        HttpContext context,
        AdminRequests requests,
        MetricsReader metrics,
        QualityThresholds thresholds,
        CancellationToken cancellationToken)
    {
        var problems = new Dictionary<string, string>(StringComparer.Ordinal);
        var window = MetricsQuery.ReadWindow(request.Window ?? thresholds.Window, problems);
        if (request.Gate is not (QualityGate.Q1 or QualityGate.Acceptance))
        {
            problems["gate"] = $"gate is one of {QualityGate.Q1}, {QualityGate.Acceptance}.";
        }

        if (IdempotencyKey.Problem(idempotencyKey) is { } wrong)
        {
            problems[IdempotencyKey.Header] = wrong;
        }

        return problems.Count > 0
            ? Problem.Invalid(problems)
            : await EnqueueAsync(context, requests, "notify_gate", $"{request.Gate}\n{window}", idempotencyKey, MakeAsync, onceKey: null, cancellationToken);

        async Task<(Notification, GateVerdict?)> MakeAsync()
        {
            var answer = request.Gate == QualityGate.Q1
                ? QualityGate.JudgeQ1(thresholds, window.ToString(), (await metrics.GatesAsync(window, cancellationToken)).All)
                : QualityGate.JudgeAcceptance(thresholds, await metrics.SummaryAsync(new MetricsScope(window), cancellationToken));
            return (new Notification { Subject = $"Gate {answer.Gate}", Text = GateNotice.Text(answer) }, answer.Verdict);
        }
    }
}
