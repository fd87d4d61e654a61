namespace Cogo.Core.Bus;

/// <summary>Claims the next messages of a lane for a session.</summary>
internal sealed class Claimer(IBusStore store, TimeProvider time)
{
    /// <exception cref="SessionEndedException">The session is void.</exception>
    public async Task<IReadOnlyList<Held>> ClaimAsync(long lane, Route route, WorkerSession session, int limit, CancellationToken cancellationToken)
    {
        var begun = session.Claims.Begin();
        IReadOnlyList<Delivery> claimed;
        try
        {
            claimed = await store.ClaimAsync(lane, route, session.Id, limit, cancellationToken);
        }
        catch
        {
            // It may stand in the database all the same: the session's next heartbeats look for it.
            session.Claims.Doubt(begun, time.GetTimestamp());
            throw;
        }

        session.Claims.End(begun, claimed.Count > 0 ? claimed[0].Fence : 0, claimed.Count);
        return [.. claimed.Select((delivery, place) => new Held(delivery, session, place))];
    }
}
