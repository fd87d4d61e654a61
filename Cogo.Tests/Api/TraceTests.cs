using Cogo.Core.Audit;
using Cogo.Core.Bus;
using Cogo.Tests.Bus;
using Xunit;

namespace Cogo.Tests.Api;

public class TraceTests(ApiHost api) : IClassFixture<ApiHost>
{
    [Fact]
    public async Task A_trace_that_is_none_is_refused() =>
        (await api.GetAsync("/api/metrics/trace/xyz")).IsProblem(400, "invalid_request", "32 hex digits");

    [Fact]
    public async Task A_trace_that_nobody_knows_is_not_found() =>
        (await api.GetAsync($"/api/metrics/trace/{new string('a', 32)}")).IsProblem(404, "trace_not_found", "No message and no event");

    [Fact]
    public async Task A_fresh_task_has_a_message_and_no_verdict()
    {
        var receipt = await api.Bus.Publisher.PublishAsync(
            new OutgoingMessage(Route.Parse("test/fresh/0"), """{"task_id":"fresh","patch":"not to be shown"}"""), CancellationToken.None);

        var trace = await api.GetAsync($"/api/metrics/trace/{receipt.TraceId}");

        Assert.Equal((200, "fresh", null), (trace.Status, trace.Field("task_id"), trace.Field("verdict")));
        Assert.Equal("message", Assert.Single(trace.Json.GetProperty("timeline").EnumerateArray()).GetProperty("kind").GetString());
        Assert.DoesNotContain("not to be shown", trace.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_finished_task_tells_its_verdict_and_its_events_in_order()
    {
        var route = Route.Parse("test/finished/0");
        var worker = new Recorder((_, _) => Task.FromResult<Outcome>(Outcome.Completed(
            [new AuditEvent("buildtest_progress", new { message = "half way" }), new AuditEvent(EventTypes.BuildTestDone, new { verdict = "failed", task_id = "t" })])));
        await using var subscription = await api.Bus.SubscribeAsync(route, worker, new SubscriptionOptions(), CancellationToken.None);
        var receipt = await api.Bus.Publisher.PublishAsync(new OutgoingMessage(route, "{}"), CancellationToken.None);

        var trace = await Fixtures.Eventually.BecomesAsync(
            () => api.GetAsync($"/api/metrics/trace/{receipt.TraceId}"), answer => answer.Field("verdict") is not null, "the verdict");

        Assert.Equal("failed", trace.Field("verdict"));
        var events = trace.Json.GetProperty("timeline").EnumerateArray().Where(entry => entry.GetProperty("kind").GetString() == "event").ToList();
        Assert.Equal(["buildtest_progress", "buildtest_done"], events.Select(entry => entry.GetProperty("type").GetString()));
        var rest = await api.GetAsync($"/api/metrics/trace/{receipt.TraceId}?after_event={events[0].GetProperty("id").GetInt64()}");
        Assert.Equal("buildtest_done", Assert.Single(rest.Json.GetProperty("timeline").EnumerateArray()).GetProperty("type").GetString());
        Assert.Equal("failed", rest.Field("verdict"));
    }

    [Fact]
    public async Task An_event_id_that_is_none_is_refused() =>
        (await api.GetAsync($"/api/metrics/trace/{new string('a', 32)}?after_event=-1")).IsProblem(400, "invalid_request", "whole number");
}
