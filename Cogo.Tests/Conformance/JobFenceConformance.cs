using Cogo.Core.Bus;
using Xunit;

namespace Cogo.Tests.Conformance;

/// <summary>The fence of jobs, which besides hold their results.</summary>
public abstract class JobFenceConformance : FenceConformance
{
    private readonly Func<Task<IQueueDriver>> _start;

    private protected JobFenceConformance(Func<Task<IQueueDriver>> start)
        : base(start) => _start = start;

    [Fact]
    public async Task A_zombies_result_is_not_the_jobs()
    {
        await using var queue = await _start();

        // What an attempt audits is its result here.
        var (id, heir) = await ZombieAndHeir.RunAsync(queue, zombie => Outcome.Completed([Ended(zombie)]), heir => Outcome.Completed([Ended(heir)]));

        Assert.Equal(heir.Fence, await queue.Database.ScalarAsync<long>("select (result ->> 'fence')::bigint from jobs where id = $1", id));
        Assert.Equal(heir.Fence, await queue.Database.ScalarAsync<long>("select claim_id from job_results where job_id = $1", id));
    }

    [Fact]
    public async Task A_zombie_alone_leaves_no_result()
    {
        await using var queue = await _start();

        var (id, _) = await ZombieAndHeir.RunAsync(queue, zombie => Outcome.Completed([Ended(zombie)]), _ => Outcome.Completed());

        Assert.False(await queue.Database.ScalarAsync<bool>("select exists (select 1 from jobs where id = $1 and result is not null)", id));
    }
}
