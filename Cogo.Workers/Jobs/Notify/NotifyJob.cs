using Cogo.Core.Audit;
using Cogo.Core.Jobs;
using Cogo.Core.Notifications;

namespace Cogo.Workers.Jobs.Notify;

/// <summary>
/// <c>notify.webhook</c>: tells the webhook that the worker's settings name, and audits what became of it under the trace
/// that it tells of. Delivery is at least once: a receiver may be told twice, except on GitHub, where the same subject is
/// the same issue.
/// </summary>
internal sealed class NotifyJob(NotifyOptions options, WebhookClient client) : IJobHandler
{
    public const string JobType = Notification.JobType;

    public string Type => JobType;

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        if (!JobPayload.TryRead<Notification>(job, out var payload, out var failed))
        {
            return Audited(job, null, new WebhookDelivery(failed, null));
        }

        var problems = payload.Problems();
        if (problems.Count > 0)
        {
            // A field that cannot be used is not audited either.
            var usable = new Notification
            {
                Subject = problems.ContainsKey("subject") ? "" : options.Redacted(payload.Subject),
                Text = "",
                TraceId = problems.ContainsKey("trace_id") ? null : payload.TraceId,
            };
            return Audited(job, usable, new WebhookDelivery(JobPayload.Fault(job, string.Join("; ", problems.Values)), null));
        }

        var told = payload with { Subject = options.Redacted(payload.Subject), Text = options.Redacted(payload.Text) };
        return Audited(job, told, await TellAsync(job, told, cancellationToken));
    }

    private async Task<WebhookDelivery> TellAsync(JobContext job, Notification told, CancellationToken cancellationToken)
    {
        if (options.Kind is not { } kind)
        {
            return new WebhookDelivery(
                new JobOutcome.Failed("webhook_missing", $"This worker has no webhook: set {NotifySettings.KindSetting} to github, slack, http or googlechat, and what goes with it."), null);
        }

        var picture = told.Week is { } week ? await NotifyPicture.KeepAsync(job, week, options, cancellationToken) : null;
        return kind switch
        {
            WebhookKind.GitHub => await new GitHubIssue(options, client).UpsertAsync(
                told.Subject, picture?.Url is { } shown ? $"{told.Text}\n\n![{NotifyPicture.Name}]({shown})" : told.Text, cancellationToken),
            WebhookKind.Slack or WebhookKind.GoogleChat => await client.PostAsync(
                Word(kind), options.Address!,
                new { text = $"*{told.Subject}*\n{told.Text}{(picture?.Url is { } linked ? $"\n<{linked}|{NotifyPicture.Name}>" : "")}" }, job, cancellationToken),
            _ => await client.PostAsync(
                Word(kind), options.Address!, new { told.Subject, told.Text, job_id = job.Id, trace_id = told.TraceId ?? job.TraceId, picture }, job, cancellationToken),
        };
    }

    /// <summary>The outcome with its event. Its reason names no address and no token, as <see cref="WebhookClient"/> sees to.</summary>
    private JobOutcome Audited(JobContext job, Notification? told, WebhookDelivery delivery)
    {
        var (code, reason, final) = delivery.Outcome switch
        {
            JobOutcome.Failed failed => (failed.Code, failed.Reason, true),
            JobOutcome.Retry retry => ("webhook_unavailable", retry.Reason, job.Attempt >= job.MaxAttempts),
            _ => (null, null, true),
        };
        var type = delivery.Outcome is JobOutcome.Succeeded ? EventTypes.NotificationDelivered : EventTypes.NotificationFailed;
        // No word named verdict: it would end the trace that is told of.
        var data = new
        {
            kind = options.Kind is { } kind ? Word(kind) : null,
            subject = string.IsNullOrEmpty(told?.Subject) ? null : told.Subject,
            job_id = job.Id,
            attempt = job.Attempt,
            delivery.Status,
            code,
            reason,
            final = type == EventTypes.NotificationFailed ? final : (bool?)null,
        };
        return delivery.Outcome with { Events = [new AuditEvent(type, data) { TraceId = told?.TraceId }] };
    }

    private static string Word(WebhookKind kind) => kind.ToString().ToLowerInvariant();
}
