using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Notify;

/// <summary>What to tell.</summary>
internal sealed record NotifyPayload
{
    /// <summary>One line; on GitHub the title of the one issue that is kept for it.</summary>
    public required string Subject { get; init; }

    /// <summary>Plain text or Markdown.</summary>
    public required string Text { get; init; }
}

/// <summary>
/// <c>notify.webhook</c>: tells the webhook that the worker's settings name. Delivery is at least once: a receiver may
/// be told twice, except on GitHub, where the same subject is the same issue.
/// </summary>
internal sealed class NotifyJob(NotifyOptions options, WebhookClient client) : IJobHandler
{
    public const string JobType = "notify.webhook";

    private const int LongestSubject = 200;
    private const int LongestText = 20_000;

    public string Type => JobType;

    public async Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        if (!JobPayload.TryRead<NotifyPayload>(job, out var payload, out var failed))
        {
            return failed;
        }

        if (payload.Subject.Length is 0 or > LongestSubject || payload.Subject.Any(char.IsControl))
        {
            return JobPayload.Fault(job, $"subject must be one line of 1 to {LongestSubject} characters");
        }

        if (payload.Text.Length is 0 or > LongestText)
        {
            return JobPayload.Fault(job, $"text must have 1 to {LongestText} characters");
        }

        var told = payload with { Subject = options.Redacted(payload.Subject), Text = options.Redacted(payload.Text) };
        return options.Kind switch
        {
            null => new JobOutcome.Failed("webhook_missing", $"This worker has no webhook: set {NotifySettings.KindSetting} to github, slack, http or googlechat, and what goes with it."),
            WebhookKind.GitHub => await new GitHubIssue(options, client).UpsertAsync(told, cancellationToken),
            WebhookKind.Slack => await client.PostAsync("slack", options.Address!, new { text = $"*{told.Subject}*\n{told.Text}" }, job, cancellationToken),
            WebhookKind.GoogleChat => await client.PostAsync("googlechat", options.Address!, new { text = $"*{told.Subject}*\n{told.Text}" }, job, cancellationToken),
            _ => await client.PostAsync("http", options.Address!, new { told.Subject, told.Text, job_id = job.Id, trace_id = job.TraceId }, job, cancellationToken),
        };
    }
}
