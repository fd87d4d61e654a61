using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Audit;
using Cogo.Core.Metrics;

namespace Cogo.Cli.Run;

/// <summary>A Cogo server as its API shows it.</summary>
internal sealed class CogoServer : IDisposable
{
    private const int AskFirstBytes = 256 * 1024;
    private const int MaxArtifacts = 10_000;
    private static readonly TimeSpan LookTimeout = TimeSpan.FromSeconds(3);
    private readonly HttpClient _http;

    public CogoServer(Uri address)
    {
        Address = address;
        // A proxy is for the outside; one that is set in the environment would be asked for this machine too.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = !address.IsLoopback, ConnectTimeout = LookTimeout, PooledConnectionLifetime = TimeSpan.FromMinutes(2) })
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    public Uri Address { get; }

    /// <summary>What the server says about itself; null when nothing answers there, or something that is not Cogo.</summary>
    public async Task<ServerStatus?> LookAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LookTimeout);
        try
        {
            using var response = await _http.GetAsync(new Uri("/api/integration/status", UriKind.Relative), limit.Token);
            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable))
            {
                return null;
            }

            var status = await response.Content.ReadFromJsonAsync<ServerStatus>(CogoJson.Options, limit.Token);
            return status is { Version: not null, Database: not null } ? status : null;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or InvalidOperationException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <exception cref="InputException">The server refuses the request.</exception>
    /// <exception cref="ServerException">The server cannot take it now.</exception>
    /// <exception cref="HttpRequestException">No answer; sending it again with the same key is safe.</exception>
    /// <param name="traceId">The trace that it goes under. Null: a new one.</param>
    public async Task<RunTicket> SubmitAsync(RunRequest request, string idempotencyKey, CancellationToken cancellationToken, string? traceId = null)
    {
        var path = request.Template is null ? "/api/pipeline/codeBuildTest" : "/api/workflows/execute";
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative));
        var body = JsonSerializer.SerializeToUtf8Bytes(request, CogoJson.Options);
        message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        // A server that refuses a long body closes the connection: its answer is to be read before the body is sent.
        message.Headers.ExpectContinue = body.Length > AskFirstBytes;
        message.Headers.Add("Idempotency-Key", idempotencyKey);
        if (traceId is not null)
        {
            message.Headers.Add("traceparent", $"00-{traceId}-{ActivitySpanId.CreateRandom().ToHexString()}-01");
        }

        using var response = await SendAsync(message, cancellationToken);
        if (response.StatusCode == HttpStatusCode.Accepted)
        {
            return await ReadAsync<RunTicket>(response, cancellationToken);
        }

        var sentence = await ProblemAsync(response, cancellationToken);
        throw response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity or HttpStatusCode.Conflict
            ? new InputException(sentence)
            : new ServerException(sentence);
    }

    /// <summary>Events with a higher id than <paramref name="afterEvent"/>, and the verdict once there is one.</summary>
    public Task<TraceTimeline> TraceAsync(string traceId, long afterEvent, CancellationToken cancellationToken) =>
        GetAsync<TraceTimeline>($"/api/metrics/trace/{traceId}?after_event={afterEvent}", cancellationToken);

    /// <summary>Any answer of the API as it is.</summary>
    /// <exception cref="ServerException">The server refuses, or has no such thing.</exception>
    public Task<JsonElement> JsonAsync(string path, CancellationToken cancellationToken) => GetAsync<JsonElement>(path, cancellationToken);

    /// <summary>A change that is safe to ask for again with the same key.</summary>
    /// <exception cref="InputException">The server refuses it: there is no such thing, or its state does not allow it.</exception>
    /// <exception cref="ServerException">The server cannot do it now.</exception>
    public async Task<JsonElement> PostAsync(string path, string idempotencyKey, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative));
        message.Headers.Add("Idempotency-Key", idempotencyKey);
        using var response = await SendAsync(message, cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return await ReadAsync<JsonElement>(response, cancellationToken);
        }

        var sentence = await ProblemAsync(response, cancellationToken);
        throw (int)response.StatusCode < 500 ? new InputException(sentence) : new ServerException(sentence);
    }
    /// <summary>Messages, events and artifacts.</summary>
    public Task<TraceTimeline> WholeTraceAsync(string traceId, CancellationToken cancellationToken) =>
        GetAsync<TraceTimeline>($"/api/metrics/trace/{traceId}", cancellationToken);

    /// <summary>The figures of a window.</summary>
    public Task<MetricsSummary> MetricsAsync(MetricsWindow window, CancellationToken cancellationToken) =>
        GetAsync<MetricsSummary>($"/api/metrics/summary?window={window}", cancellationToken);

    public Task<JsonElement> JsonArtifactAsync(string path, CancellationToken cancellationToken) =>
        GetAsync<JsonElement>($"/artifacts/{path}", cancellationToken);

    /// <summary>The task's artifacts under one trace, by path.</summary>
    public async Task<IReadOnlyList<ArtifactItem>> ArtifactsAsync(string taskId, string traceId, CancellationToken cancellationToken)
    {
        var found = new List<ArtifactItem>();
        string? cursor = null;
        do
        {
            var page = await GetAsync<ArtifactItems>(
                $"/api/artifacts/index?limit=1000&task_id={Uri.EscapeDataString(taskId)}{(cursor is null ? "" : $"&cursor={cursor}")}", cancellationToken);
            found.AddRange(page.Artifacts.Where(artifact => artifact.TraceId == traceId));
            cursor = page.NextCursor;
        }
        while (cursor is not null && found.Count < MaxArtifacts);
        return [.. found.OrderBy(artifact => artifact.Path, StringComparer.Ordinal)];
    }

    public void Dispose() => _http.Dispose();

    private async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        using var response = await SendAsync(message, cancellationToken);
        return response.IsSuccessStatusCode
            ? await ReadAsync<T>(response, cancellationToken)
            : throw new ServerException(await ProblemAsync(response, cancellationToken)) { Transient = (int)response.StatusCode >= 500 };
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.SendAsync(message, cancellationToken);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException($"{Address} took more than {_http.Timeout.TotalSeconds} s to answer", e);
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<T>(CogoJson.Options, cancellationToken)
                ?? throw new JsonException("The answer is null.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ServerException($"{Address} answers {response.RequestMessage?.RequestUri?.AbsolutePath} with something else than this version of Cogo does. See what runs there, or set COGO_URL.", e);
        }
    }

    private async Task<string> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var problem = await response.Content.ReadFromJsonAsync<ProblemAnswer>(CogoJson.Options, cancellationToken);
            if (!string.IsNullOrWhiteSpace(problem?.Detail))
            {
                return problem.Detail;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not a problem document: the status says all there is.
        }

        return $"{Address} answered {(int)response.StatusCode} to {response.RequestMessage?.RequestUri?.AbsolutePath}: it is not a Cogo of this version, or something stands before it. Set COGO_URL to a Cogo server.";
    }

    private sealed record ProblemAnswer(string? Detail);

    private sealed record ArtifactItems(IReadOnlyList<ArtifactItem> Artifacts, string? NextCursor);
}

/// <summary>The receipt of a request.</summary>
/// <param name="RunId">Of a workflow's run.</param>
internal sealed record RunTicket(string TaskId, string TraceId, long MessageId, string? RunId = null);

/// <summary>A row of <c>/api/artifacts/index</c>.</summary>
internal sealed record ArtifactItem(string Path, string Url, string? TraceId, long Bytes, string Sha256, string? ContentType, Uri? SignedUrl = null);

/// <summary>What <c>/api/integration/status</c> says.</summary>
internal sealed record ServerStatus(string? Status, string? Version, ServerDatabase? Database, IReadOnlyList<ServerWorker>? Workers)
{
    public bool Reads(Core.Bus.Route route) =>
        Workers?.Any(worker => worker.Routes?.Any(text => Core.Bus.Route.TryParse(text, out var read) && Core.Pipeline.RequestRules.IsSame(read, route)) == true) == true;
}

internal sealed record ServerDatabase(bool Reachable, string? Problem);

internal sealed record ServerWorker(string? Worker, IReadOnlyList<string>? Routes);
