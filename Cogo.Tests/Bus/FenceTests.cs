using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Bus;

public class FenceTests
{
    [Fact]
    public async Task Messages_of_a_session_that_died_are_found_though_its_floor_moved()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var hold = new TaskCompletionSource();
        var bus = fixture.Bus(o => o with { LeaseDuration = TimeSpan.FromSeconds(5), HeartbeatInterval = TimeSpan.FromMilliseconds(50) });
        var recorder = new Recorder(async (d, _) =>
        {
            if (d.Payload == "\"held\"")
            {
                await hold.Task;
            }

            return Outcome.Completed();
        });
        await bus.SubscribeAsync(BusFixture.Route, recorder, new SubscriptionOptions { Concurrency = 4 }, default);
        for (var i = 0; i < 30; i++)
        {
            await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, i == 10 ? "\"held\"" : "\"quick\""), default);
            var count = i + 1;
            await Eventually.BecomesTrueAsync(() => recorder.Seen.Count == count, "one after the other");
        }

        await Eventually.BecomesAsync(
            () => fixture.Database.ScalarAsync<long>("select max(floor_claim) from bus_sessions"), floor => floor == 11, "the floor at the held claim");
        await fixture.Database.ExecuteAsync("select cogo_end_session(session_id, 'gone') from bus_sessions");

        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from bus_deferred where attempt = 1"));
        hold.SetResult();
    }

    [Fact]
    public async Task A_message_that_kills_its_worker_each_time_is_dead_lettered_in_the_end()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var publisher = fixture.Bus().Publisher;
        var receipt = await publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}") { MaxAttempts = 3 }, default);
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            await fixture.Database.ExecuteAsync(
                "insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'h', 1, 1, clock_timestamp() + interval '1 minute')");
            await fixture.Database.ExecuteAsync("update bus_deferred set ready_at = clock_timestamp()");
            var seen = await fixture.Database.ScalarAsync<short>(
                "select attempt from cogo_claim(cogo_lane('test', 'work', '0'), (select max(session_id) from bus_sessions), 10)");
            Assert.Equal(attempt, seen);
            await fixture.Database.ExecuteAsync("select cogo_end_session(max(session_id), 'killed') from bus_sessions");
        }

        Assert.Equal(["work_retry", "work_retry", "work_failed"], await fixture.EventsAsync(receipt.TraceId));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from dead_letters where code = 'retries_exhausted'"));
    }

    [Fact]
    public async Task A_claim_whose_answer_was_lost_is_handed_back_while_the_session_lives()
    {
        await using var fixture = await BusFixture.CreateAsync();
        await fixture.Database.ExecuteAsync(
            "insert into bus_sessions (worker_id, host, pid, pid_started, lease_until) values ('w', 'h', 1, 1, clock_timestamp() + interval '1 minute')");
        await fixture.Bus().Publisher.PublishAsync([new(BusFixture.Route, "1"), new(BusFixture.Route, "2")], default);
        await fixture.Database.ExecuteAsync("select cogo_claim(cogo_lane('test', 'work', '0'), 1, 1)");
        await fixture.Database.ExecuteAsync("select cogo_claim(cogo_lane('test', 'work', '0'), 1, 1)");

        await fixture.Database.ExecuteAsync("select cogo_release_unknown(1, 1, array[2]::bigint[], interval '0')");

        Assert.Equal("1", await fixture.Database.ScalarAsync<string>("select string_agg(payload::text, ',') from bus_deferred where claim_id is null and attempt = 0"));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from cogo_finish(1, array[1]::bigint[], array[1]::bigint[])"));
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from cogo_finish(1, array[2]::bigint[], array[2]::bigint[])"));
    }
}
