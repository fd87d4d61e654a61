using System.Net.Http.Json;
using System.Text.Json;
using Cogo.Tests.Fixtures;

namespace Cogo.Tests.EndToEnd;

/// <summary>A user of the HTTP API.</summary>
internal sealed class PipelineClient(Uri address, HttpMessageHandler? handler = null) : IDisposable
{
    private readonly HttpClient _http = new(handler ?? new HttpClientHandler()) { BaseAddress = address };

    /// <summary>Returns the trace id.</summary>
    public async Task<string> SubmitAsync(object request)
    {
        using var response = await _http.PostAsJsonAsync("/api/pipeline/codeBuildTest", request);
        var body = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(body).RootElement.GetProperty("trace_id").GetString()!
            : throw new HttpRequestException($"{(int)response.StatusCode}: {body}");
    }

    /// <summary>The trace, once it has a verdict.</summary>
    public Task<JsonElement> VerdictAsync(string traceId, int seconds = 60) => Eventually.BecomesAsync(
        () => TraceAsync(traceId), trace => trace.ValueKind == JsonValueKind.Object && trace.TryGetProperty("verdict", out _), $"a verdict of trace {traceId}", seconds);

    public async Task<JsonElement> TraceAsync(string traceId)
    {
        using var response = await _http.GetAsync(new Uri($"/api/metrics/trace/{traceId}", UriKind.Relative));
        return response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<JsonElement>() : default;
    }

    public async Task<JsonElement> ArtifactAsync(string path) => await _http.GetFromJsonAsync<JsonElement>(new Uri($"/artifacts/{path}", UriKind.Relative));

    public void Dispose() => _http.Dispose();

    /// <summary>Types of the trace's events without progress, in order.</summary>
    public static List<string> Steps(JsonElement trace) =>
        [.. Events(trace).Select(entry => entry.GetProperty("type").GetString()!).Where(type => !type.EndsWith("_progress", StringComparison.Ordinal))];

    public static IEnumerable<JsonElement> Events(JsonElement trace) =>
        trace.GetProperty("timeline").EnumerateArray().Where(entry => entry.GetProperty("kind").GetString() == "event");
}
