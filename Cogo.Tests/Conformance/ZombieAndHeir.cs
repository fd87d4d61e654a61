using System.Collections.Concurrent;
using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Conformance;

/// <summary>A worker that ends its attempt while another one, which took it over, is still at work on the same item.</summary>
internal static class ZombieAndHeir
{
    /// <returns>The item, which is finished, and the attempt that finished it.</returns>
    public static async Task<(long Id, Attempt Heir)> RunAsync(IQueueDriver queue, Func<Attempt, Outcome> zombieEnds, Func<Attempt, Outcome> heirEnds)
    {
        var settings = new WorkerSettings();
        var release = new TaskCompletionSource();
        var zombies = new ConcurrentQueue<Attempt>();
        var zombie = await queue.WorkAsync(
            async (attempt, _) =>
            {
                zombies.Enqueue(attempt);
                await release.Task; // deaf to its token, as a handler may be
                return zombieEnds(attempt);
            },
            settings with { CancelGrace = TimeSpan.FromMinutes(1), DrainTimeout = TimeSpan.FromMinutes(1) });
        var id = (await queue.PutAsync([new Put()]))[0];
        await Eventually.BecomesTrueAsync(() => !zombies.IsEmpty, "the zombie's attempt");

        await queue.TakeLeasesAsync();
        await queue.HastenAsync();
        var heirs = new ConcurrentQueue<Attempt>();
        var inherited = new TaskCompletionSource();
        await queue.WorkAsync(
            async (attempt, token) =>
            {
                heirs.Enqueue(attempt);
                await inherited.Task.WaitAsync(token);
                return heirEnds(attempt);
            },
            settings);
        await Eventually.BecomesTrueAsync(() => !heirs.IsEmpty, "the heir's attempt");
        release.SetResult();
        await zombie.DisposeAsync();
        Assert.Equal(Place.Unfinished, (await queue.StandingAsync(id)).Place);
        inherited.SetResult();

        await DeliveryConformance.FinishedAsync(queue, id);
        var heir = Assert.Single(heirs);
        Assert.Equal(2, heir.Number);
        Assert.True(heir.Fence > Assert.Single(zombies).Fence);
        return (id, heir);
    }
}
