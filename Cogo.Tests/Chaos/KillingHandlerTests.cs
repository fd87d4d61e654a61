using System.Runtime.Versioning;
using Cogo.Core.Jobs;
using Cogo.Tests.Fixtures;
using Cogo.Tests.Jobs;
using Xunit;

namespace Cogo.Tests.Chaos;

[UnsupportedOSPlatform("windows")]
public class KillingHandlerTests
{
    [Fact]
    public async Task A_job_that_kills_its_process_each_time_is_given_up_and_holds_up_no_other()
    {
        await using var fixture = await JobFixture.CreateAsync();
        var killing = await fixture.Queue.EnqueueAsync(new JobRequest(JobWorkload.Kill) { MaxAttempts = 2 }, default);
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            await (await WorkerProcess.StartAsync(fixture.Database.ConnectionString)).EndedAsync();
        }

        await using var worker = await WorkerProcess.StartAsync(fixture.Database.ConnectionString);
        var other = await fixture.Queue.EnqueueAsync(new JobRequest(JobWorkload.Work), default);

        await fixture.BecomesAsync(killing.Id, "failed");
        await Eventually.BecomesAsync(() => fixture.StatusAsync(other.Id), status => status is "succeeded" or "failed", "the end of another job");
        Assert.Equal("retries_exhausted 2", await fixture.Database.ScalarAsync<string>("select error_code || ' ' || attempts from jobs_dlq where job_id = $1", killing.Id));
    }
}
