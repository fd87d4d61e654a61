using System.Text;
using System.Text.Json;
using Cogo.Tests.Api;
using Cogo.Tests.Fixtures;
using Xunit;

namespace Cogo.Tests.Workflows;

/// <summary>A user of <c>/api/workflows</c>.</summary>
public sealed class WorkflowClient(Uri address) : IDisposable
{
    private static readonly JsonSerializerOptions WithoutNulls = new() { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    public HttpClient Http { get; } = new() { BaseAddress = address };

    public async Task<Answer> GetAsync(string path) => await Answer.OfAsync(await Http.GetAsync(new Uri(path, UriKind.Relative)));

    public Task<Answer> PostAsync(string path, object? body = null, string? key = null) =>
        PostTextAsync(path, body is null ? null : JsonSerializer.Serialize(body, WithoutNulls), key);

    public async Task<Answer> PostTextAsync(string path, string? body, string? key = null, string type = "application/json")
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative));
        message.Content = body is null ? null : new StringContent(body, Encoding.UTF8, type);
        if (key is not null)
        {
            message.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        }

        return await Answer.OfAsync(await Http.SendAsync(message));
    }

    /// <summary>Starts a run; returns its id.</summary>
    public async Task<string> StartAsync(object request, string? key = null)
    {
        var answer = await PostAsync("/api/workflows/execute", request, key);
        Assert.True(answer.Status == 202, answer.Text);
        return answer.Field("run_id")!;
    }

    public async Task<JsonElement> ShowAsync(string runId) => (await GetAsync($"/api/workflows/{runId}")).Json;

    /// <summary>The run once it has ended.</summary>
    public Task<JsonElement> EndAsync(string runId, int seconds = 60) => Eventually.BecomesAsync(
        () => ShowAsync(runId), run => run.GetProperty("status").GetString() != "running", $"the end of {runId}", seconds);

    public async Task<JsonElement> StartToEndAsync(object request) => await EndAsync(await StartAsync(request));

    public void Dispose() => Http.Dispose();

    /// <summary>Each step as <c>name attempt status verdict</c>.</summary>
    public static List<string> Steps(JsonElement run) =>
        [.. run.GetProperty("steps").EnumerateArray().Select(step => $"{step.GetProperty("name")} {step.GetProperty("attempt")} {step.GetProperty("status")} {(step.TryGetProperty("verdict", out var verdict) ? verdict : "")}".TrimEnd())];
}
