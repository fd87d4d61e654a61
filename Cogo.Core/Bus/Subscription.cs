using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Cogo.Core.Bus;

/// <summary>
/// Reads one route: claims as many messages as handlers are free, runs them, ends them by their outcome. Disposing
/// stops gracefully: no new claim, a moment to finish, then the rest is handed back without counting the attempt.
/// </summary>
public sealed partial class Subscription : IAsyncDisposable
{
    /// <summary>How long a claim waits for more free slots while there is a backlog.</summary>
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(2);

    /// <summary>So many polling intervals a route sleeps when neither a wake-up nor the poller calls it.</summary>
    private const int UnaskedPolls = 15;

    private static readonly Outcome Plain = Outcome.Completed();

    private readonly Route _route;
    private readonly long _lane;
    private readonly SubscriptionOptions _options;
    private readonly IMessageHandler _handler;
    private readonly BusCore _bus;
    private readonly ILogger _logger;
    private readonly Latch _latch;
    private readonly HandlerSlots _slots;
    private readonly HandlerPump _pump;
    private readonly Action<Held, Ending> _acknowledged;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cancelHandlers = new();
    private readonly Task _loop;
    private readonly Lock _limitLock = new();
    private int _disposed;

    /// <summary>The last claim brought all it asked for: there is more.</summary>
    private bool _behind;
    private (WorkerSession Session, CancellationTokenSource Source)? _limit;

    internal Subscription(BusCore bus, Route route, long lane, SubscriptionOptions options, IMessageHandler handler)
    {
        _bus = bus;
        _route = route;
        _lane = lane;
        _options = options;
        _handler = handler;
        _logger = bus.Logger;
        _latch = bus.WakeUp.Add(lane);
        _slots = new HandlerSlots(options.Concurrency);
        _pump = new HandlerPump(bus.Runtime, HandleAsync);
        _acknowledged = Acknowledged;
        _loop = bus.Runtime.Run(RunAsync);
    }

    public Route Route => _route;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _bus.Runtime.CancelAsync(_stop);
        await _loop;
        var running = _pump.WhenIdleAsync();
        await Task.WhenAny(running, Task.Delay(_options.DrainTimeout, _bus.Runtime.Time));
        await _bus.Runtime.CancelAsync(_cancelHandlers);
        await running;
        _bus.RemoveRoute(_route);
        _latch.Dispose();
        _limit?.Source.Dispose();
        _stop.Dispose();
        _cancelHandlers.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = TimeSpan.FromMilliseconds(100);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var more = await ClaimAndStartAsync();
                pause = TimeSpan.FromMilliseconds(100);
                if (!more)
                {
                    await _latch.WaitAsync(_bus.Runtime.Jittered(_bus.Options.PollInterval * UnaskedPolls), _bus.Runtime.Time, _stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (Persistence.IsTransient(e) || e is OperationCanceledException)
            {
                LogNotClaimed(e, _route, pause);
                await PauseAsync(pause);
                pause = pause * 2 > TimeSpan.FromSeconds(5) ? TimeSpan.FromSeconds(5) : pause * 2;
            }
            catch (Exception e)
            {
                // A statement that cannot work (a missing function, no permission): say so, loudly, and keep asking.
                LogBroken(e, _route);
                await PauseAsync(TimeSpan.FromSeconds(5));
            }
        }
    }

    /// <returns>Whether there may be more to claim at once.</returns>
    private async Task<bool> ClaimAndStartAsync()
    {
        await _slots.WaitAsync(1, Timeout.InfiniteTimeSpan, _bus.Runtime.Time, _stop.Token);
        if (_behind)
        {
            // A claim costs much the same for one message as for many: wait a moment for more slots.
            var half = Math.Min(_bus.Options.BatchSize, _options.Concurrency) / 2;
            await _slots.WaitAsync(half, GatherTime, _bus.Runtime.Time, _stop.Token);
        }

        var slots = _slots.Take(_bus.Options.BatchSize);
        var started = 0;
        try
        {
            _stop.Token.ThrowIfCancellationRequested();
            var session = await _bus.SessionAsync(_stop.Token);
            IReadOnlyList<Held> claimed;
            try
            {
                // Not cancelled by a stop: an answer that is thrown away would leave its messages with this session.
                claimed = await _bus.Claimer.ClaimAsync(_lane, _route, session, slots, CancellationToken.None);
            }
            catch (SessionEndedException)
            {
                session.MarkLost();
                return true;
            }

            started = claimed.Count;
            _behind = started == slots;
            if (started > 0)
            {
                var limit = LimitOf(session);
                foreach (var held in claimed)
                {
                    held.Limit = limit;
                }

                _pump.Start(claimed);
            }

            // What a claim leaves room for was not there yet, and rings when it comes. Of jobs it may have put some aside.
            return _behind || (started > 0 && _route.Service == Route.JobService);
        }
        finally
        {
            if (started < slots)
            {
                _slots.Release(slots - started);
            }
        }
    }

    /// <summary>Keeps a handler for the message while the route waits for any; null when it does not, or none is free.</summary>
    internal Reservation? TryReserve(OutgoingMessage message)
    {
        if (!_latch.IsWaiting || _bus.LivingSession is not { } session || !_options.Wants(message) || _slots.Take(1) == 0)
        {
            return null;
        }

        // First counted, then asked: a stop waits for what it does not turn away here.
        _pump.Reserve();
        if (_stop.IsCancellationRequested)
        {
            GiveBack();
            return null;
        }

        return new Reservation(_route, session, Deliver, GiveBack, _bus.Runtime.Time);

        void Deliver(Held held)
        {
            held.Limit = LimitOf(held.Session);
            _pump.StartReserved(held);
        }
    }

    private void GiveBack()
    {
        _slots.Release(1);
        _pump.Finished();
    }

    /// <summary>One token for all handlers of a session: cancelled when the lease is lost or the worker stops.</summary>
    private CancellationToken LimitOf(WorkerSession session)
    {
        lock (_limitLock)
        {
            if (_limit?.Session != session)
            {
                // The former one stays linked for the handlers that hold it; a lost session has cancelled it.
                _limit = (session, CancellationTokenSource.CreateLinkedTokenSource(session.Lost, _cancelHandlers.Token));
            }

            return _limit.Value.Source.Token;
        }
    }

    private async Task HandleAsync(Held held)
    {
        var finished = true;
        try
        {
            finished = !await AttemptAsync(held);
        }
        catch (Exception e)
        {
            // Neither the outcome nor a plain retry can be written. The session would hold the message for as long as
            // it lives, so it is given up: when its lease runs out, all it holds is delivered again.
            LogNotEnded(e, held.Delivery.MessageId, _route);
            held.Session.MarkLost();
        }

        if (finished)
        {
            Finish(held);
        }
    }

    private void Acknowledged(Held held, Ending ending)
    {
        _bus.Ender.Report(held, ending);
        BusMeter.Count(_route, Plain, ending);
        Finish(held);
    }

    private void Finish(Held held)
    {
        held.Session.Claims.Close(held.Delivery.Fence);
        GiveBack();
    }

    /// <returns>True: it is being acknowledged, and <see cref="Acknowledged"/> follows.</returns>
    private async Task<bool> AttemptAsync(Held held)
    {
        var delivery = held.Delivery;
        using var activity = CogoTelemetry.Source.HasListeners() ? StartActivity(delivery) : null;
        using var deadline = _options.HandlerTimeout is { } timeout ? new CancellationTokenSource(timeout, _bus.Runtime.Time) : null;
        using var limit = deadline is null ? null : CancellationTokenSource.CreateLinkedTokenSource(held.Limit, deadline.Token);

        Outcome outcome;
        try
        {
            outcome = await HandlerRun.OutcomeAsync(_handler, delivery, _options.CancelGrace, _bus.Runtime.Time, _logger, limit?.Token ?? held.Limit);
        }
        catch (OperationCanceledException) when (held.Session.Lost.IsCancellationRequested)
        {
            LogLost(delivery.MessageId, _route);
            return false;
        }
        catch (OperationCanceledException) when (_cancelHandlers.IsCancellationRequested)
        {
            await _bus.Ender.HandBackAsync(held, "The worker stopped.");
            return false;
        }
        catch (OperationCanceledException) when (deadline is { IsCancellationRequested: true })
        {
            outcome = new Outcome.Retry($"The handler did not end within {_options.HandlerTimeout}.");
        }
        catch (Exception e)
        {
            LogThrew(e, delivery.MessageId, _route, delivery.Attempt);
            activity?.SetStatus(ActivityStatusCode.Error, e.Message);
            outcome = new Outcome.Retry($"{e.GetType().Name}: {e.Message}");
        }

        if (activity is null && Ender.IsPlain(outcome))
        {
            _bus.Ender.Acknowledge(held, _acknowledged);
            return true;
        }

        var ending = await EndAsync(held, outcome);
        activity?.SetTag("cogo.outcome", outcome.GetType().Name).SetTag("cogo.ending", ending.ToString());
        BusMeter.Count(_route, outcome, ending);
        return false;
    }

    /// <summary>An outcome that cannot be written (a row that breaks a rule) is a failed attempt like any other.</summary>
    private async Task<Ending> EndAsync(Held held, Outcome outcome)
    {
        try
        {
            return await _bus.Ender.EndAsync(held, outcome);
        }
        catch (Exception e)
        {
            LogNotWritten(e, held.Delivery.MessageId, _route, held.Delivery.Attempt);
            return await _bus.Ender.EndAsync(held, new Outcome.Retry($"What the handler's outcome writes was refused: {e.GetType().Name}: {e.Message}"));
        }
    }

    private Activity? StartActivity(Delivery delivery) =>
        CogoTelemetry.Source.StartActivity($"handle {_route}", ActivityKind.Consumer, TraceContext.Of(delivery))?
            .SetTag("messaging.system", "cogo")
            .SetTag("messaging.destination.name", _route.ToString())
            .SetTag("messaging.message.id", delivery.MessageId)
            .SetTag("cogo.attempt", delivery.Attempt);

    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(_bus.Runtime.Jittered(pause), _bus.Runtime.Time, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // Stopping: the loop sees it.
        }
    }

    [LoggerMessage(EventId = 1040, Level = LogLevel.Warning, Message = "{Route} could not be claimed from; trying again in {Pause}")]
    private partial void LogNotClaimed(Exception error, Route route, TimeSpan pause);

    [LoggerMessage(EventId = 1041, Level = LogLevel.Error, Message = "{Route} cannot be claimed from")]
    private partial void LogBroken(Exception error, Route route);

    [LoggerMessage(EventId = 1042, Level = LogLevel.Error, Message = "The end of message {Message} of {Route} could not be written; this session is given up, and its lease brings back what it holds")]
    private partial void LogNotEnded(Exception error, long message, Route route);

    [LoggerMessage(EventId = 1047, Level = LogLevel.Error, Message = "What the outcome of message {Message} of {Route} writes was refused on attempt {Attempt}; the attempt is retried")]
    private partial void LogNotWritten(Exception error, long message, Route route, int attempt);

    [LoggerMessage(EventId = 1043, Level = LogLevel.Warning, Message = "Message {Message} of {Route} went to another worker: the lease was lost while it was handled")]
    private partial void LogLost(long message, Route route);

    [LoggerMessage(EventId = 1044, Level = LogLevel.Error, Message = "The handler of message {Message} of {Route} threw on attempt {Attempt}")]
    private partial void LogThrew(Exception error, long message, Route route, int attempt);
}
