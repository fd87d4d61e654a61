using Microsoft.Extensions.Logging;

namespace Cogo.Core.Bus;

/// <summary>
/// Ends attempts: acknowledges, retries, fails or hands back, each under the fence, together with what the
/// outcome writes, publishes and audits.
/// </summary>
internal sealed partial class Ender(IBusStore store, Acknowledger acknowledger, Bell bell, TimeProvider time, ILogger logger)
{
    /// <summary>Whether ending it takes no more than an acknowledgement.</summary>
    public static bool IsPlain(Outcome outcome) => outcome is Outcome.Done { Publish.Count: 0, Events.Count: 0, Write: null };

    /// <summary>Acknowledges a plain outcome; <paramref name="ended"/> is called when that is durable, or was fenced off.</summary>
    public void Acknowledge(Held held, Action<Held, Ending> ended) => acknowledger.Acknowledge(held, ended);

    public async Task<Ending> EndAsync(Held held, Outcome outcome)
    {
        var ending = IsPlain(outcome)
            ? await acknowledger.AcknowledgeAsync(held)
            : await EndWithEffectsAsync(held, outcome);
        Report(held, ending);
        return ending;
    }

    /// <summary>Says so when an attempt was fenced off.</summary>
    public void Report(Held held, Ending ending)
    {
        if (ending == Ending.Fenced)
        {
            LogFenced(held.Delivery.MessageId, held.Delivery.Fence);
        }
    }

    /// <summary>Gives the message back at once; the attempt does not count.</summary>
    public async Task HandBackAsync(Held held, string reason)
    {
        await Persistence.UntilLostAsync(held.Session, time, e => LogTryAgain(e, held.Delivery.MessageId), async cancellationToken =>
            await store.HandBackAsync(held.Session.Id, held.Delivery, reason, cancellationToken));
    }

    private async Task<Ending> EndWithEffectsAsync(Held held, Outcome outcome)
    {
        var ended = new Ended(Ending.Fenced, []);
        await Persistence.UntilLostAsync(held.Session, time, e => LogTryAgain(e, held.Delivery.MessageId), async cancellationToken =>
            ended = await store.EndAsync(held.Session.Id, held.Delivery, outcome, cancellationToken));
        bell.Ring(ended.Lanes);
        return ended.Ending;
    }

    [LoggerMessage(EventId = 1030, Level = LogLevel.Warning, Message = "Message {Message} was fenced off: claim {Fence} no longer holds it, and what this attempt did is discarded")]
    private partial void LogFenced(long message, long fence);

    [LoggerMessage(EventId = 1031, Level = LogLevel.Warning, Message = "The end of message {Message} could not be written; trying again while the lease holds")]
    private partial void LogTryAgain(Exception error, long message);
}
