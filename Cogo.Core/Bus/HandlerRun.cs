using Microsoft.Extensions.Logging;

namespace Cogo.Core.Bus;

/// <summary>One call of a handler that cannot hold its message, or a stop, longer than it may.</summary>
internal static partial class HandlerRun
{
    /// <summary>
    /// The handler's outcome. When <paramref name="limit"/> is cancelled the handler has <paramref name="grace"/> to
    /// end; after that it is left to itself, its outcome counts for nothing, and the call ends.
    /// </summary>
    /// <exception cref="OperationCanceledException"><paramref name="limit"/> was cancelled.</exception>
    public static async Task<Outcome> OutcomeAsync(
        IMessageHandler handler, Delivery delivery, TimeSpan grace, TimeProvider time, ILogger logger, CancellationToken limit)
    {
        var handling = handler.HandleAsync(delivery, limit);
        if (handling.IsCompleted)
        {
            return await handling;
        }

        // Goes on inside the cancellation: it only starts the timer.
        var cut = new TaskCompletionSource();
        await using (limit.Register(() => cut.TrySetResult()))
        {
            if (await Task.WhenAny(handling, cut.Task) == handling)
            {
                return await handling;
            }
        }

        if (await Task.WhenAny(handling, Task.Delay(grace, time, CancellationToken.None)) == handling)
        {
            return await handling;
        }

        LogAbandoned(logger, delivery.MessageId, delivery.Route, grace);
        _ = handling.ContinueWith(
            left => LogEndedLate(logger, left.Exception, delivery.MessageId, delivery.Route),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        throw new OperationCanceledException("The handler ignored its cancellation.", limit);
    }

    [LoggerMessage(EventId = 1045, Level = LogLevel.Error, Message = "The handler of message {Message} of {Route} ignored its cancellation for {Grace}: it is left to itself, and its outcome will not count. Pass the token on to what it waits for")]
    private static partial void LogAbandoned(ILogger logger, long message, Route route, TimeSpan grace);

    [LoggerMessage(EventId = 1046, Level = LogLevel.Warning, Message = "The handler of message {Message} of {Route} ended after it had been left to itself")]
    private static partial void LogEndedLate(ILogger logger, Exception? error, long message, Route route);
}
