namespace Cogo.Core.Bus;

/// <summary>
/// A handler kept free for one message that is claimed as it is published. Ends with exactly one of
/// <see cref="Deliver"/>, <see cref="Release"/> and <see cref="Doubt"/>.
/// </summary>
internal sealed class Reservation(Route route, WorkerSession session, Action<Held> deliver, Action release, TimeProvider time)
{
    private readonly long _begun = session.Claims.Begin();

    public Route Route => route;

    public long Session => session.Id;

    /// <summary>The message is claimed: its handler starts.</summary>
    public void Deliver(Delivery delivery)
    {
        session.Claims.End(_begun, delivery.Fence, messages: 1);
        deliver(new Held(delivery, session, Place: 0));
    }

    /// <summary>The message was published without a claim.</summary>
    public void Release()
    {
        session.Claims.End(_begun, fence: 0, messages: 0);
        release();
    }

    /// <summary>The answer was lost. The claim may stand all the same: the session's next heartbeats look for it.</summary>
    public void Doubt()
    {
        session.Claims.Doubt(_begun, time.GetTimestamp());
        release();
    }
}
