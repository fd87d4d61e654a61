using System.Text.Json;
using Cogo.Core.Bus;
using Cogo.Core.Pipeline;
using Cogo.Core.Workflows;
using Cogo.Tests.Fixtures;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Cogo.Tests.Bus;

/// <summary>A message that asks for it is replied to, once, in the transaction that ends it.</summary>
public class ReplyTests
{
    private static readonly Route Answers = Route.Parse("test/answers/0");

    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Whoever_sent_a_message_is_told_how_it_ended(int postgres)
    {
        await using var fixture = await BusFixture.CreateAsync(postgres);
        var bus = fixture.Bus(options => options with { PollInterval = TimeSpan.FromSeconds(30) });
        var told = new Recorder();
        await bus.SubscribeAsync(Answers, told, new SubscriptionOptions(), default);
        var worker = new Recorder((delivery, _) => Task.FromResult<Outcome>(delivery.Payload.Contains("good", StringComparison.Ordinal)
            ? Outcome.Completed([new("work_progress", new { part = 1 }), new("work_done", new { files = 3 })])
            : delivery.Payload.Contains("never", StringComparison.Ordinal) ? new Outcome.Retry("Not yet.", TimeSpan.Zero)
            : new Outcome.Fail("no_good", "It cannot be.", Verdict.Failed)));
        var handler = new StepHandler(worker, new WorkflowReader(fixture.Database.DataSource), new WorkflowOptions(), TimeProvider.System, NullLogger<StepHandler>.Instance);
        await bus.SubscribeAsync(BusFixture.Route, handler, new SubscriptionOptions(), default);

        await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, """{"task":"good","reply":{"to":"test/answers/0","token":"a"}}"""), default);
        await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, """{"task":"bad","reply":{"to":"test/answers/0","token":"b"}}"""), default);
        await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, """{"task":"never","reply":{"to":"test/answers/0","token":"c"}}""") { MaxAttempts = 2 }, default);

        // Well before anybody would ask by himself: each was woken.
        await Eventually.BecomesTrueAsync(() => told.Seen.Count == 3, "three replies");
        var replies = told.Seen.Select(delivery => JsonSerializer.Deserialize<JsonElement>(delivery.Payload)).ToDictionary(reply => reply.GetProperty("token").GetString()!);
        Assert.Equal(("done", "work_done", 3), (Text(replies["a"], "outcome"), Text(replies["a"], "event"), replies["a"].GetProperty("data").GetProperty("files").GetInt32()));
        Assert.Equal(("failed", "no_good", "It cannot be.", "failed"), (Text(replies["b"], "outcome"), Text(replies["b"], "code"), Text(replies["b"], "reason"), Text(replies["b"], "verdict")));
        Assert.Equal(("failed", "retries_exhausted", "infrastructure"), (Text(replies["c"], "outcome"), Text(replies["c"], "code"), Text(replies["c"], "verdict")));
    }

    [Theory]
    [InlineData("""{"reply":{"to":"nowhere","token":"a"}}""")]
    [InlineData("""{"reply":{"to":"A/b/c","token":"a"}}""")]
    [InlineData("""{"reply":{"to":["a","b","c"]}}""")]
    [InlineData("""{"reply":{"to":null}}""")]
    [InlineData("""{"reply":"test/answers/0"}""")]
    [InlineData("""{"reply":null}""")]
    [InlineData("""["reply"]""")]
    [InlineData("\"reply\"")]
    public async Task A_wish_that_makes_no_sense_keeps_nothing_from_being_given_up(string payload)
    {
        await using var fixture = await BusFixture.CreateAsync();
        var bus = fixture.Bus();
        var worker = new Recorder((_, _) => Task.FromResult<Outcome>(new Outcome.Fail("no_good", "It cannot be.", Verdict.Failed)));
        var handler = new StepHandler(worker, new WorkflowReader(fixture.Database.DataSource), new WorkflowOptions(), TimeProvider.System, NullLogger<StepHandler>.Instance);
        await bus.SubscribeAsync(BusFixture.Route, handler, new SubscriptionOptions(), default);

        await bus.Publisher.PublishAsync(new OutgoingMessage(BusFixture.Route, payload), default);

        await Eventually.BecomesTrueAsync(() => fixture.Database.ScalarAsync<bool>("select exists (select from dead_letters)"), "the dead letter");
        Assert.Equal("no_good/1", await fixture.Database.ScalarAsync<string>("select code || '/' || (select count(*) from agent_messages) from dead_letters"));
    }

    private static string? Text(JsonElement reply, string name) => reply.GetProperty(name).GetString();
}
