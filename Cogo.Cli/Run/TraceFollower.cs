using System.Runtime.CompilerServices;
using Cogo.Core.Audit;

namespace Cogo.Cli.Run;

/// <summary>
/// Reads a trace until it has a verdict, each event once. Event ids are handed out before commit, so every look
/// goes back a little further than the highest id known and skips what was seen.
/// </summary>
internal sealed class TraceFollower(CogoServer server, TimeProvider time, Action<string> note)
{
    /// <summary>How long a server may be out of reach before it is given up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int LookBack = 200;
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan QuickFor = TimeSpan.FromSeconds(20);

    /// <summary>Whole once <see cref="FollowAsync"/> has ended: the verdict and its reason; no timeline.</summary>
    public TraceTimeline? Summary { get; private set; }

    /// <exception cref="ServerException">The server was out of reach for <see cref="Patience"/>, or refuses.</exception>
    public async IAsyncEnumerable<TimelineEntry> FollowAsync(string traceId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var seen = new HashSet<long>();
        var highest = 0L;
        var started = time.GetTimestamp();
        while (true)
        {
            var trace = await ReadAsync(traceId, Math.Max(0, highest - LookBack), cancellationToken);
            foreach (var entry in trace.Timeline.Where(entry => entry is { Kind: TimelineKind.Event, Id: { } id } && seen.Add(id)))
            {
                highest = Math.Max(highest, entry.Id!.Value);
                yield return entry;
            }

            if (trace.HasMore)
            {
                continue;
            }

            if (trace.Verdict is not null)
            {
                Summary = trace with { Timeline = [] };
                yield break;
            }

            await Task.Delay(time.GetElapsedTime(started) < QuickFor ? Quick : Slow, time, cancellationToken);
        }
    }

    private async Task<TraceTimeline> ReadAsync(string traceId, long after, CancellationToken cancellationToken)
    {
        long? lostSince = null;
        while (true)
        {
            try
            {
                var trace = await server.TraceAsync(traceId, after, cancellationToken);
                if (lostSince is not null)
                {
                    note($"{server.Address} answers again.");
                }

                return trace;
            }
            catch (Exception e) when (e is HttpRequestException or ServerException { Transient: true })
            {
                if (lostSince is null)
                {
                    lostSince = time.GetTimestamp();
                    note($"{server.Address} does not answer ({e.Message}); trying again.");
                }
                else if (time.GetElapsedTime(lostSince.Value) > Patience)
                {
                    throw new ServerException(
                        $"{server.Address} has not answered for {Patience.TotalSeconds} s ({e.Message}). The task is on its bus and goes on when it is back: look at /api/metrics/trace/{traceId} then.", e);
                }

                await Task.Delay(Slow, time, cancellationToken);
            }
        }
    }
}
