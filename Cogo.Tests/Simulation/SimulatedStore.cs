using System.Net.Sockets;
using Cogo.Core.Bus;
using Npgsql;

namespace Cogo.Tests.Simulation;

/// <summary>
/// The model behind a network: requests travel, get lost before or after they took effect, are slow, or are cancelled
/// while under way. What has left a process takes effect though the process ends.
/// </summary>
internal sealed class SimulatedStore(
    SimulatedWorld world, StoreModel model, BusOptions options, Func<NetworkFaults> faults, Action<SimulatedStore, IReadOnlyCollection<long>> ring) : IBusStore
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Sessions whose worker has heard that they ended.</summary>
    private readonly HashSet<long> _told = [];

    /// <summary>Nothing gets through in either direction.</summary>
    public bool CutOff { get; set; }

    /// <summary>
    /// Sessions are opened without time going by. Routes of one process take turns at that with a semaphore, which goes on
    /// with those that wait on a thread of its own, outside of the simulation: here nobody waits.
    /// </summary>
    public bool OpensAtOnce { get; init; }

    public Task<long> LaneAsync(Route asked, CancellationToken cancellationToken) => CallAsync(() => model.LaneOf(asked), cancellationToken);

    public Task<long> OpenSessionAsync(IReadOnlyCollection<string> routes, CancellationToken cancellationToken) =>
        OpeningAsync(() => model.OpenSession(options.LeaseDuration), cancellationToken);

    public Task AnnounceRoutesAsync(long session, IReadOnlyCollection<string> routes, CancellationToken cancellationToken) =>
        OpeningAsync(() => true, cancellationToken);

    public Task<bool> RenewSessionAsync(long session, long floorClaim, CancellationToken cancellationToken)
    {
        if (_told.Contains(session))
        {
            model.History.Add(new Happening(Kind.RenewedInVain, 0, 0, session, 0));
        }

        return CallAsync(
            () => model.Renew(session, options.LeaseDuration, floorClaim), cancellationToken, heard: renewed => _ = !renewed && _told.Add(session));
    }

    public Task<IReadOnlyList<long>> EndSessionAsync(long session, string reason, CancellationToken cancellationToken) =>
        CallAsync(() => model.EndSession(session), cancellationToken);

    public Task<IReadOnlyList<Delivery>> ClaimAsync(long lane, Route asked, long session, int limit, CancellationToken cancellationToken) =>
        CallAsync(() => model.Claim(lane, asked, session, limit), cancellationToken);

    public Task<IReadOnlyList<long>> ReadyLanesAsync(IReadOnlyCollection<long> lanes, CancellationToken cancellationToken) =>
        CallAsync<IReadOnlyList<long>>(() => [.. lanes.Where(model.IsReady)], cancellationToken);

    public Task<int> ReleaseUnknownAsync(long session, long from, IReadOnlyList<long> known, CancellationToken cancellationToken) =>
        CallAsync(() => model.ReleaseUnknown(session, from, known, options.HeartbeatInterval / 2), cancellationToken);

    public Task<IReadOnlyList<(long Fence, long MessageId)>> FinishAsync(
        long session, IReadOnlyList<(long Fence, long MessageId)> messages, CancellationToken cancellationToken) =>
        CallAsync<IReadOnlyList<(long, long)>>(() => model.Finish(session, messages), cancellationToken);

    public Task<Ended> EndAsync(long session, Delivery delivery, Outcome outcome, CancellationToken cancellationToken) => CallAsync(
        () =>
        {
            var ending = outcome switch
            {
                Outcome.Retry retry => model.Retry(session, delivery.Fence, delivery.MessageId, retry.After, counts: true, Happening.Retried),
                Outcome.Fail fail => model.Fail(session, delivery.Fence, delivery.MessageId, fail.Code),
                _ => model.Finish(session, [(delivery.Fence, delivery.MessageId)]).Count == 1 ? Ending.Accepted : Ending.Fenced,
            };
            if (ending == Ending.Fenced)
            {
                return new Ended(ending, []);
            }

            foreach (var message in outcome.Publish)
            {
                model.Publish(new StoredMessage { Route = message.Route, CreatedAt = world.Now, Cause = (delivery.MessageId, delivery.Fence) });
            }

            return new Ended(ending, [.. outcome.Publish.Select(message => model.LaneOf(message.Route)).Distinct()]);
        },
        cancellationToken);

    public Task<Ending> HandBackAsync(long session, Delivery delivery, string reason, CancellationToken cancellationToken) =>
        CallAsync(() => model.Retry(session, delivery.Fence, delivery.MessageId, TimeSpan.Zero, counts: false, Happening.HandedBack), cancellationToken);

    public Task<IReadOnlyList<long>> ReapAsync(CancellationToken cancellationToken) =>
        CallAsync(model.Reap, cancellationToken);

    public Task<IReadOnlyList<(long Session, ProcessIdentity Process)>> LiveSessionsAsync(CancellationToken cancellationToken) =>
        CallAsync<IReadOnlyList<(long, ProcessIdentity)>>(() => [], cancellationToken);

    public Task KeepHouseAsync(CancellationToken cancellationToken) => CallAsync(() => true, cancellationToken);

    public Task NotifyAsync(IReadOnlyCollection<long> lanes, CancellationToken cancellationToken) => CallAsync(
        () =>
        {
            ring(this, lanes);
            return true;
        },
        cancellationToken);

    private Task<T> OpeningAsync<T>(Func<T> apply, CancellationToken cancellationToken)
    {
        if (!OpensAtOnce)
        {
            return CallAsync(apply, cancellationToken);
        }

        if (CutOff || world.Chance(faults().LostRequest))
        {
            return Task.FromException<T>(Lost());
        }

        if (world.Chance(faults().Refused))
        {
            return Task.FromException<T>(NotAllowed());
        }

        var result = apply();
        return world.Chance(faults().LostAnswer) ? Task.FromException<T>(Lost()) : Task.FromResult(result);
    }

    /// <param name="heard">Called with the answer when it has come to the worker.</param>
    private Task<T> CallAsync<T>(Func<T> apply, CancellationToken cancellationToken, Action<T>? heard = null)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        var cancelled = cancellationToken.Register(() => answer.TrySetCanceled(cancellationToken));
        var lost = CutOff || world.Chance(faults().LostRequest);
        world.At(lost ? Lateness() : Latency(), () =>
        {
            if (!lost && world.Chance(faults().Refused))
            {
                answer.TrySetException(NotAllowed());
                return;
            }

            if (lost)
            {
                Fail(answer);
                if (!CutOff && world.Chance(0.3))
                {
                    // The client gave up; the server had it in its queue.
                    world.At(world.Between(0, 20_000), () => Ignoring(apply));
                }

                return;
            }

            try
            {
                var result = apply();
                var unheard = CutOff || world.Chance(faults().LostAnswer);
                world.At(unheard ? Lateness() : Latency(), () =>
                {
                    cancelled.Dispose();
                    if (unheard)
                    {
                        Fail(answer);
                    }
                    else if (answer.TrySetResult(result))
                    {
                        heard?.Invoke(result);
                    }
                });
            }
            catch (SessionEndedException e)
            {
                world.At(Latency(), () => answer.TrySetException(e));
            }
        });
        return answer.Task;
    }

    private static void Ignoring<T>(Func<T> apply)
    {
        try
        {
            apply();
        }
        catch (SessionEndedException)
        {
            // Nobody is there to be told.
        }
    }

    private static void Fail<T>(TaskCompletionSource<T> answer) => answer.TrySetException(Lost());

    private static NpgsqlException Lost() => new("The connection was lost.", new SocketException((int)SocketError.ConnectionReset));

    private static PostgresException NotAllowed() => new("permission denied", "ERROR", "ERROR", PostgresErrorCodes.InsufficientPrivilege);

    private TimeSpan Latency() => world.Chance(faults().Slow) ? world.Between(100, 12_000) : world.Between(0.1, 3);

    // A cut connection is noticed at once, or not before the command times out.
    private TimeSpan Lateness() => world.Chance(0.8) ? world.Between(0.1, 500) : CommandTimeout;
}

/// <summary>Probabilities, each call.</summary>
internal sealed record NetworkFaults(double LostRequest, double LostAnswer, double Slow, double Refused);
