using Cogo.Core.Notifications;

namespace Cogo.Cli.Notify;

/// <summary>What became of a notification, for a person.</summary>
internal static class NotificationText
{
    public static string Of(NotificationReceipt? receipt) => receipt switch
    {
        null => "Nothing was sent.",
        { Duplicate: true } => $"It was enqueued before, as job {receipt.Id}; nothing was sent.",
        _ => $"Job {receipt.Id} ({Notification.JobType}) is in queue default: a worker with WEBHOOK_TYPE delivers it. Trace {receipt.TraceId}.",
    };
}
