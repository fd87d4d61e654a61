using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Bus;

public class FenceTests
{
    private static readonly SubscriptionOptions One = new();

    public static TheoryData<int> Versions => [15, 18];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_zombie_cannot_finish_after_its_lease_was_taken(int postgres)
    {
        await using var fixture = await BusFixture.CreateAsync(postgres);
        var release = new TaskCompletionSource();
        var zombie = new Recorder(async (_, _) =>
        {
            await release.Task; // deaf to its token, as a handler may be
            return Outcome.Completed([new AuditEvent("zombie_done")]);
        });
        var zombieBus = fixture.Bus();
        await zombieBus.SubscribeAsync(BusFixture.Route, zombie, One, default);
        var receipt = await zombieBus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);
        await Eventually.BecomesTrueAsync(() => !zombie.Seen.IsEmpty, "the zombie's attempt");

        await fixture.Database.ExecuteAsync("update bus_sessions set lease_until = clock_timestamp() - interval '1 second'");
        await fixture.Database.ExecuteAsync("select cogo_reap()");
        var heir = new Recorder((d, _) => Task.FromResult<Outcome>(Outcome.Completed([new AuditEvent("heir_done", new { d.Attempt })])));
        await fixture.Bus().SubscribeAsync(BusFixture.Route, heir, One, default);

        await Eventually.BecomesAsync(() => fixture.EventsAsync(receipt.TraceId), e => e.Contains("heir_done"), "the heir's attempt");
        release.SetResult();
        await zombieBus.DisposeAsync();
        Assert.Equal(["work_retry", "heir_done"], await fixture.EventsAsync(receipt.TraceId));
        Assert.Equal(2, heir.Seen.Single().Attempt);
        Assert.True(heir.Seen.Single().Fence > zombie.Seen.First().Fence);
    }

    [Fact]
    public async Task A_lease_is_renewed_while_a_handler_runs_longer_than_it()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus(o => o with { LeaseDuration = TimeSpan.FromMilliseconds(900), HeartbeatInterval = TimeSpan.FromMilliseconds(200) });
        var recorder = new Recorder(async (_, token) =>
        {
            await Task.Delay(2500, token);
            return Outcome.Completed([new AuditEvent("work_done")]);
        });
        await bus.SubscribeAsync(BusFixture.Route, recorder, One, default);
        var receipt = await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);

        await Eventually.BecomesAsync(() => fixture.EventsAsync(receipt.TraceId), e => e.Count > 0, "the end of a long handler");
        Assert.Equal(["work_done"], await fixture.EventsAsync(receipt.TraceId));
        Assert.Single(recorder.Seen);
    }

    [Fact]
    public async Task A_worker_that_lost_its_lease_cancels_its_handlers_and_goes_on_with_a_new_session()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus(o => o with { LeaseDuration = TimeSpan.FromSeconds(2), HeartbeatInterval = TimeSpan.FromMilliseconds(100) });
        var cancelled = 0;
        var recorder = new Recorder(async (d, token) =>
        {
            if (d.Attempt == 1)
            {
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                }
                finally
                {
                    Interlocked.Increment(ref cancelled);
                }
            }

            return Outcome.Completed([new AuditEvent("work_done")]);
        });
        await bus.SubscribeAsync(BusFixture.Route, recorder, One, default);
        var receipt = await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);
        await Eventually.BecomesTrueAsync(() => !recorder.Seen.IsEmpty, "the first attempt");

        await fixture.Database.ExecuteAsync("select cogo_end_session(session_id, 'taken') from bus_sessions where ended_at is null");

        await Eventually.BecomesAsync(() => fixture.EventsAsync(receipt.TraceId), e => e.Contains("work_done"), "the second attempt");
        Assert.Equal(1, cancelled);
        Assert.Equal(2, await fixture.Database.ScalarAsync<long>("select count(*) from bus_sessions"));
    }

    [Fact]
    public async Task A_graceful_stop_hands_back_what_it_holds_and_does_not_count_the_attempt()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var stuck = new Recorder(async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return Outcome.Completed();
        });
        await bus.SubscribeAsync(BusFixture.Route, stuck, new SubscriptionOptions { Concurrency = 2, DrainTimeout = TimeSpan.Zero }, default);
        await bus.Publisher.PublishAsync([new(BusFixture.Route, "1"), new(BusFixture.Route, "2"), new(BusFixture.Route, "3")], default);
        await Eventually.BecomesTrueAsync(() => stuck.Seen.Count == 2, "two attempts");

        await bus.DisposeAsync();
        var heir = new Recorder();
        await fixture.Bus().SubscribeAsync(BusFixture.Route, heir, One, default);

        await Eventually.BecomesTrueAsync(() => heir.Seen.Count == 3, "all three again");
        Assert.All(heir.Seen, d => Assert.Equal(1, d.Attempt));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'work_retry'"));
    }

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

    [Fact]
    public async Task Two_workers_share_a_route_and_handle_each_message_once()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var (one, two) = (new Recorder(), new Recorder());
        await fixture.Bus().SubscribeAsync(BusFixture.Route, one, new SubscriptionOptions { Concurrency = 8 }, default);
        await fixture.Bus().SubscribeAsync(BusFixture.Route, two, new SubscriptionOptions { Concurrency = 8 }, default);
        var publisher = fixture.Bus().Publisher;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                await publisher.PublishAsync([new(BusFixture.Route, "1"), new(BusFixture.Route, "2")], default);
            }
        })));

        await Eventually.BecomesTrueAsync(() => one.Seen.Count + two.Seen.Count >= 800, "800 messages");
        Assert.Equal(800, one.Seen.Concat(two.Seen).Select(d => d.MessageId).Distinct().Count());
        Assert.Equal(800, one.Seen.Count + two.Seen.Count);
    }
}
