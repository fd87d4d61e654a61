using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Bus;

public class DeliveryTests
{
    private static readonly SubscriptionOptions One = new();

    [Fact]
    public async Task A_plain_insert_publishes_and_wakes_the_reader_without_waiting_for_the_poll()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var recorder = new Recorder();
        await fixture.Bus(o => o with { PollInterval = TimeSpan.FromMinutes(5) }).SubscribeAsync(BusFixture.Route, recorder, One, default);
        await ListeningAsync(fixture);

        await fixture.Database.ExecuteAsync("""insert into agent_messages (service, role, payload) values ('test', 'work', '{"hello": 1}')""");

        await Eventually.BecomesTrueAsync(() => !recorder.Seen.IsEmpty, "delivery of the inserted row", 5);
        var delivery = recorder.Seen.Single();
        Assert.Equal("""{"hello": 1}""", delivery.Payload);
        Assert.Equal(1, delivery.Attempt);
        Assert.Matches("^[0-9a-f]{32}$", delivery.TraceId);
        Assert.Equal($"message:{delivery.MessageId}", delivery.IdempotencyKey);
    }

    [Fact]
    public async Task Another_process_is_woken_by_the_bell()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var recorder = new Recorder();
        await fixture.Bus(o => o with { PollInterval = TimeSpan.FromMinutes(5) }).SubscribeAsync(BusFixture.Route, recorder, One, default);
        await ListeningAsync(fixture);

        await fixture.Bus().Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);

        await Eventually.BecomesTrueAsync(() => !recorder.Seen.IsEmpty, "delivery by the bell", 5);
    }

    [Fact]
    public async Task Polling_delivers_when_nobody_listens()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var recorder = new Recorder();
        await fixture.Bus(o => o with { Listen = false }).SubscribeAsync(BusFixture.Route, recorder, One, default);

        await fixture.Bus().Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);

        await Eventually.BecomesTrueAsync(() => !recorder.Seen.IsEmpty, "delivery by polling");
    }

    [Fact]
    public async Task The_same_idempotency_key_is_delivered_once_however_it_was_published()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var message = new OutgoingMessage(BusFixture.Route, """{"a": 1}""") { IdempotencyKey = "order-1" };
        var first = await bus.Publisher.PublishAsync(message, default);
        var second = await bus.Publisher.PublishAsync(message, default);
        await fixture.Database.ExecuteAsync("insert into agent_messages (service, role, payload, idempotency_key) values ('test', 'work', '{\"a\": 1}', 'order-1')");
        var recorder = new Recorder();
        await bus.SubscribeAsync(BusFixture.Route, recorder, One, default);
        await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "\"last\""), default);

        await Eventually.BecomesTrueAsync(() => recorder.Seen.Any(d => d.Payload == "\"last\""), "delivery of the last");
        Assert.False(first.Duplicate);
        Assert.True(second.Duplicate);
        Assert.Equal(first.MessageId, second.MessageId);
        Assert.Equal(first.MessageId, recorder.Seen.Single(d => d.IdempotencyKey == "order-1").MessageId);
        Assert.Equal(1, await fixture.Database.ScalarAsync<long>("select count(*) from bus_events where type = 'message_duplicate'"));
        var conflict = await Assert.ThrowsAsync<IdempotencyConflictException>(
            () => bus.Publisher.PublishAsync(message with { Payload = "{}" }, default));
        Assert.Contains("order-1", conflict.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retries_back_off_count_and_end_as_a_dead_letter()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var recorder = new Recorder((d, _) => d.Attempt == 1
            ? throw new InvalidOperationException("boom")
            : Task.FromResult<Outcome>(new Outcome.Retry("not yet", TimeSpan.FromMilliseconds(10))));
        await bus.SubscribeAsync(BusFixture.Route, recorder, One, default);
        var receipt = await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}") { MaxAttempts = 3 }, default);

        await Eventually.BecomesAsync(() => fixture.EventsAsync(receipt.TraceId), e => e.Contains("work_failed"), "the dead letter");
        Assert.Equal(["work_retry", "work_retry", "work_failed"], await fixture.EventsAsync(receipt.TraceId));
        Assert.Equal([1, 2, 3], recorder.Seen.Select(d => d.Attempt));
        Assert.Equal(3, recorder.Seen.Select(d => d.Fence).Distinct().Count());
        Assert.Equal("retries_exhausted", await fixture.Database.ScalarAsync<string>("select code from dead_letters where message_id = $1", receipt.MessageId));
        Assert.Equal(0, await fixture.Database.ScalarAsync<long>("select count(*) from bus_deferred"));
    }

    [Fact]
    public async Task An_outcome_publishes_and_audits_together_with_the_acknowledgement()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var next = Route.Parse("test/next/0");
        var after = new Recorder();
        await bus.SubscribeAsync(next, after, One, default);
        await bus.SubscribeAsync(
            BusFixture.Route,
            new Recorder((d, _) => Task.FromResult<Outcome>(Outcome.Completed(
                [new AuditEvent("work_done", new { note = "bad \0 text" })], [new OutgoingMessage(next, d.Payload)]))),
            One, default);

        var receipt = await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, "{}"), default);

        await Eventually.BecomesTrueAsync(() => !after.Seen.IsEmpty, "the follow-up message");
        Assert.Equal(receipt.TraceId, after.Seen.Single().TraceId);
        Assert.Equal(["work_done"], await fixture.EventsAsync(receipt.TraceId));
    }

    [Theory]
    [InlineData("not json", "not JSON")]
    [InlineData("", "not JSON")]
    [InlineData("{\"a\":\"\\u0000\"}", "NUL")]
    public async Task A_payload_that_cannot_be_stored_is_refused_with_a_sentence(string payload, string word)
    {
        await using var fixture = await BusFixture.CreateAsync();
        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => fixture.Bus().Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, payload), default));
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_huge_payload_is_refused_and_names_the_limit()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var error = await Assert.ThrowsAsync<PayloadTooLargeException>(() => fixture.Bus(o => o with { PayloadLimitBytes = 100 })
            .Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, $"\"{new string('x', 200)}\""), default));
        Assert.Contains("the limit is 100", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_audit_log_refuses_to_be_changed()
    {
        await using var fixture = await BusFixture.CreateAsync();
        await fixture.Database.ExecuteAsync("insert into bus_events (trace_id, type) values ('t', 'test_event')");
        foreach (var sql in new[] { "update bus_events set type = 'x'", "delete from bus_events", "truncate bus_events" })
        {
            var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => fixture.Database.ExecuteAsync(sql));
            Assert.Contains("append-only", error.Message, StringComparison.Ordinal);
        }
    }

    private static Task ListeningAsync(BusFixture fixture) => Eventually.BecomesAsync(
        () => fixture.Database.ScalarAsync<long>(
            "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'"),
        n => n > 0, "LISTEN");
}
