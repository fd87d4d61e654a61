using System.Net.ServerSentEvents;
using System.Text.Json;
using Xunit;

namespace Cogo.Tests.Workflows;

public sealed class WorkflowEventStreamTests(WorkflowSystem system) : IClassFixture<WorkflowSystem>
{
    [Fact]
    public async Task A_run_is_followed_from_its_start_to_its_end()
    {
        var id = await system.Client.StartAsync(system.Command(WorkflowSystem.MendsWhenTold));

        var seen = await ReadAsync(id, null);

        var numbered = seen.Where(item => item.Data.TryGetProperty("seq", out _)).ToList();
        Assert.Equal(Enumerable.Range(1, numbered.Count), numbered.Select(item => item.Data.GetProperty("seq").GetInt32()));
        Assert.Equal("workflow_started", numbered[0].EventType);
        Assert.Equal(["gate_fix", "gate_passed", "workflow_done"], numbered[^3..].Select(item => item.EventType));
        Assert.Contains(seen, item => item.EventType == "buildtest_progress");
        Assert.All(seen, item => Assert.Equal(item.EventType, item.Data.GetProperty("type").GetString()));
    }

    [Fact]
    public async Task One_who_reconnects_misses_nothing_and_sees_nothing_twice()
    {
        var go = Path.Combine(system.Folder, $"go-{Guid.NewGuid():N}");
        var id = await system.Client.StartAsync(system.Command($"until [ -e {go} ]; do sleep 0.05; done; git apply good.patch"));

        var before = await ReadAsync(id, null, until: item => item.EventType == "workflow_step_started");
        await File.WriteAllTextAsync(go, "");
        var after = await ReadAsync(id, before[^1].Id);
        var all = await ReadAsync(id, null);

        Assert.Equal("2", before[^1].Id);
        Assert.Equal(Numbers(all), [.. Numbers(before), .. Numbers(after)]);
        Assert.Equal(Enumerable.Range(1, 7), Numbers(all));
        using var ended = await AskAsync(id, "7");
        Assert.Equal(204, (int)ended.StatusCode);
    }

    [Fact]
    public async Task A_stream_of_a_run_that_is_cancelled_ends()
    {
        var id = await system.Client.StartAsync(system.Command("sleep 600"));
        var reading = ReadAsync(id, null);

        await system.Client.PostAsync($"/api/workflows/{id}/cancel");

        Assert.Equal("workflow_cancelled", (await reading)[^1].EventType);
    }

    private async Task<List<Item>> ReadAsync(string id, string? lastEventId, Func<Item, bool>? until = null)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var response = await AskAsync(id, lastEventId);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        await using var stream = await response.Content.ReadAsStreamAsync(deadline.Token);
        var parser = SseParser.Create(stream, (_, data) => JsonSerializer.Deserialize<JsonElement>(data));
        var items = new List<Item>();
        await foreach (var item in parser.EnumerateAsync(deadline.Token))
        {
            items.Add(new Item(item.EventType, item.EventId, item.Data));
            if (until?.Invoke(items[^1]) == true)
            {
                break;
            }
        }

        return items;
    }

    private async Task<HttpResponseMessage> AskAsync(string id, string? lastEventId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/api/workflows/{id}/events", UriKind.Relative));
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        return await system.Client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static List<int> Numbers(List<Item> items) =>
        [.. items.Where(item => item.Data.TryGetProperty("seq", out _)).Select(item => item.Data.GetProperty("seq").GetInt32())];

    private sealed record Item(string EventType, string? Id, JsonElement Data);
}
