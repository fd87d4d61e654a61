using System.Text.Json;
using Cogo.Core.Bus;
using Cogo.Tests.Bus;
using Cogo.Tests.Fixtures;
using Cogo.Workers.Dispatcher;
using Xunit;

namespace Cogo.Tests.Dispatcher;

public class DispatcherTests
{
    private const string Good = """{"target": "codegen/generate/0", "next": "code/build-test/0", "repo": "/srv/repo", "engine": "patch", "patch": "--- a"}""";

    [Fact]
    public async Task A_whole_request_is_relayed_to_its_target_with_its_trace()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var codegen = new Recorder();
        await DispatchAsync(fixture);
        await fixture.Bus().SubscribeAsync(Route.Codegen, codegen, new SubscriptionOptions(), default);

        var receipt = await fixture.Bus().Publisher.PublishAsync(new OutgoingMessage(Route.Execute, Good) { Tenant = "acme", Priority = 7 }, default);

        await Eventually.BecomesTrueAsync(() => !codegen.Seen.IsEmpty, "the relay");
        var relayed = codegen.Seen.Single();
        Assert.Equal(receipt.TraceId, relayed.TraceId);
        Assert.Equal("acme", relayed.Tenant);
        Assert.Equal(7, relayed.Priority);
        using var payload = JsonDocument.Parse(relayed.Payload);
        Assert.Equal($"task-{receipt.MessageId}", payload.RootElement.GetProperty("task_id").GetString());
        Assert.Equal("/srv/repo", payload.RootElement.GetProperty("repo").GetString());
        Assert.Equal(["execute_enqueued", "execute_done"], await fixture.EventsAsync(receipt.TraceId));
    }

    [Theory]
    [InlineData("""{"target": "nobody/knows/0", "repo": "/r"}""", "unknown_target", "nobody/knows/0")]
    [InlineData("""{"target": "not a route", "repo": "/r"}""", "unknown_target", "not a route")]
    [InlineData("""{"repo": "/r"}""", "unknown_target", "codegen/generate/0")]
    [InlineData("""{"target": 5}""", "malformed_request", "$.target")]
    [InlineData("[1, 2]", "malformed_request", "does not read as a pipeline request")]
    [InlineData("null", "malformed_request", "null")]
    [InlineData("""{"target": "codegen/generate/0", "engine": "patch", "patch": "--- a"}""", "invalid_request", "repo is missing")]
    [InlineData("""{"target": "codegen/generate/0", "repo": "/r", "engine": "magic"}""", "invalid_request", "engine 'magic'")]
    [InlineData("""{"target": "codegen/generate/0", "repo": "/r", "engine": "patch"}""", "invalid_request", "patch is empty")]
    [InlineData("""{"target": "codegen/generate/0", "repo": "/r", "engine": "patch", "patch": "x", "next": "??"}""", "invalid_request", "next '??'")]
    [InlineData("""{"target": "code/build-test/0", "repo": "/r"}""", "invalid_request", "change is missing")]
    public async Task A_request_that_cannot_work_is_refused_audited_and_kept(string payload, string code, string words)
    {
        await using var fixture = await BusFixture.CreateAsync();
        await DispatchAsync(fixture);

        var receipt = await fixture.Bus().Publisher.PublishAsync(new OutgoingMessage(Route.Execute, payload), default);

        await AssertRefusedAsync(fixture, receipt.MessageId, code, words, "invalid");
        Assert.True(await fixture.Database.ScalarAsync<bool>("select payload = $2::jsonb from dead_letters where message_id = $1", receipt.MessageId, payload));
        Assert.Equal(["execute_failed"], await fixture.EventsAsync(receipt.TraceId));
    }

    [Fact]
    public async Task A_payload_above_the_limit_is_refused()
    {
        await using var fixture = await BusFixture.CreateAsync();
        await DispatchAsync(fixture, new DispatcherOptions { PayloadLimitBytes = 200 });

        // Past the publisher, as a client that inserts rows would.
        var id = await fixture.Database.ScalarAsync<long>(
            "insert into agent_messages (service, role, payload) values ('orchestrator', 'execute', jsonb_build_object('patch', repeat('ü', 150))) returning id");

        await AssertRefusedAsync(fixture, id, "oversize_payload", "the limit is 200", "invalid");
    }

    [Fact]
    public async Task A_request_that_waited_past_its_time_to_live_is_audited_as_expired()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var receipt = await fixture.Bus().Publisher.PublishAsync(
            new OutgoingMessage(Route.Execute, Good) { TimeToLive = TimeSpan.FromMilliseconds(1) }, default);

        await Eventually.BecomesTrueAsync(
            () => fixture.Database.ScalarAsync<bool>("select clock_timestamp() > expires_at from agent_messages where id = $1", receipt.MessageId), "the end of the time to live");
        await DispatchAsync(fixture);

        await AssertRefusedAsync(fixture, receipt.MessageId, "expired", "", "infrastructure");
    }

    [Fact]
    public async Task A_request_that_ends_its_worker_every_time_is_given_up()
    {
        await using var fixture = await BusFixture.CreateAsync();
        var receipt = await fixture.Bus().Publisher.PublishAsync(new OutgoingMessage(Route.Execute, Good) { MaxAttempts = 2 }, default);
        var broken = new Recorder((_, _) => throw new InvalidOperationException("It broke."));
        await fixture.Bus().SubscribeAsync(Route.Execute, broken, new SubscriptionOptions(), default);

        await AssertRefusedAsync(fixture, receipt.MessageId, "retries_exhausted", "It broke.", "infrastructure");
        Assert.Equal(["execute_retry", "execute_failed"], await fixture.EventsAsync(receipt.TraceId));
        Assert.Equal([1, 2], broken.Seen.Select(delivery => delivery.Attempt));
    }

    [Theory]
    [InlineData("DISPATCHER_TARGETS", "codegen/generate", "codegen/generate")]
    [InlineData("DISPATCHER_PAYLOAD_LIMIT_BYTES", "-1", "-1")]
    [InlineData("DISPATCHER_PAYLOAD_LIMIT_BYTES", "many", "many")]
    public void A_setting_that_cannot_be_read_is_named(string name, string value, string words)
    {
        var thrown = Assert.Throws<FormatException>(() => DispatcherOptions.Read(Settings.Of((name, value))));

        Assert.Contains(name, thrown.Message, StringComparison.Ordinal);
        Assert.Contains(words, thrown.Message, StringComparison.Ordinal);
    }

    private static async Task DispatchAsync(BusFixture fixture, DispatcherOptions? options = null) =>
        await fixture.Bus().SubscribeAsync(Route.Execute, new ExecutorDispatcher(options ?? new DispatcherOptions()), new SubscriptionOptions(), default);

    private static async Task AssertRefusedAsync(BusFixture fixture, long message, string code, string words, string verdict)
    {
        await Eventually.BecomesTrueAsync(
            () => fixture.Database.ScalarAsync<bool>("select exists (select 1 from dead_letters where message_id = $1)", message), "the dead letter");
        Assert.Equal(code, await fixture.Database.ScalarAsync<string>("select code from dead_letters where message_id = $1", message));
        Assert.Contains(words, await fixture.Database.ScalarAsync<string>("select reason from dead_letters where message_id = $1", message), StringComparison.Ordinal);
        var audited = await fixture.Database.ScalarAsync<string>(
            "select (data ->> 'code') || ' ' || (data ->> 'verdict') from bus_events where type = 'execute_failed' and message_id = $1", message);
        Assert.Equal($"{code} {verdict}", audited);
    }
}
