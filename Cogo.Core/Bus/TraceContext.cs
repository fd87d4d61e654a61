using System.Diagnostics;
using System.Globalization;

namespace Cogo.Core.Bus;

/// <summary>Carries the W3C trace through a message: the trace id always, the parent span when there is one.</summary>
internal static class TraceContext
{
    /// <summary>
    /// 32 hex digits, ordered by time: microseconds first, so that the database's trace index grows at one end. It
    /// need be unique, not secret.
    /// </summary>
    public static string NewTraceId(TimeProvider time)
    {
        var micros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / 10;
        return micros.ToString("x14", CultureInfo.InvariantCulture) + Random.Shared.GetHexString(18, lowercase: true);
    }

    /// <summary>The trace id and parent that a message published now carries.</summary>
    public static (string TraceId, string? TraceParent) Current(string? traceId, TimeProvider time)
    {
        var activity = Activity.Current;
        if (activity is { IdFormat: ActivityIdFormat.W3C } && (traceId is null || traceId == activity.TraceId.ToHexString()))
        {
            return (activity.TraceId.ToHexString(), activity.Id);
        }

        return (traceId ?? NewTraceId(time), null);
    }

    /// <summary>Where the span of a delivery hangs: below the publisher's span, else as the first span of the trace.</summary>
    public static ActivityContext Of(Delivery delivery)
    {
        if (delivery.TraceParent is not null
            && ActivityContext.TryParse(delivery.TraceParent, traceState: null, isRemote: true, out var context)
            && context.TraceId.ToHexString() == delivery.TraceId)
        {
            return context;
        }

        return new ActivityContext(
            ActivityTraceId.CreateFromString(delivery.TraceId), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, isRemote: true);
    }
}
