using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Http;

/// <summary>A checked payload: a request that can be sent, again for each redirect.</summary>
internal sealed record HttpCall
{
    private const int LongestTimeoutMs = 3_600_000;
    private const int MostRedirects = 20;

    // The connection's own, or what the client computes from the body.
    private static readonly HashSet<string> _refusedHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    // All that a different origin gets to see: the rest may identify someone.
    private static readonly HashSet<string> _openHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Content-Language", "Content-Type", "User-Agent",
    };

    private HttpCall()
    {
    }

    public required Uri Url { get; init; }

    public required HttpMethod Method { get; init; }

    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public required JsonElement? Body { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required int[] ExpectStatus { get; init; }

    public required long ResponseLimitBytes { get; init; }

    public required int MaxRedirects { get; init; }

    public required bool StoreResponse { get; init; }

    /// <summary>For messages: without the query, where keys travel.</summary>
    public string Shown => $"{Method} {Url.GetLeftPart(UriPartial.Path)}";

    /// <summary>Values that must not be repeated in a result or an error.</summary>
    public IEnumerable<string> Secrets => Headers
        .Where(header => !_openHeaders.Contains(header.Key) && !string.Equals(header.Key, "Idempotency-Key", StringComparison.OrdinalIgnoreCase))
        .SelectMany(header => new[] { header.Value, header.Value[(header.Value.LastIndexOf(' ') + 1)..] })
        .Where(value => value.Length >= 6);

    /// <summary>The call, or what is wrong with the payload.</summary>
    public static (HttpCall? Call, string? Problem) Of(HttpJobPayload payload, HttpMethod? method, JobContext job, HttpJobOptions options)
    {
        if (!Uri.TryCreate(payload.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            return (null, "url is not an absolute http or https URL");
        if (url.UserInfo.Length > 0)
            return (null, "url holds a user name or password, which belong in an Authorization header");
        if (method is not null && payload.Method is not null)
            return (null, $"method is for http.request: {job.Type} is {method} always");
        if ((method ?? MethodOf(payload.Method ?? "GET")) is not { } verb)
            return (null, "method is not the name of an HTTP method, or is CONNECT or TRACE");
        if (payload.TimeoutMs is < 1 or > LongestTimeoutMs)
            return (null, $"timeout_ms is not between 1 and {LongestTimeoutMs}");
        if (payload.MaxRedirects is < 0 or > MostRedirects)
            return (null, $"max_redirects is not between 0 and {MostRedirects}");
        if (payload.MaxResponseBytes is { } limit && (limit < 1 || limit > options.ResponseLimitBytes))
            return (null, $"max_response_bytes is not between 1 and {options.ResponseLimitBytes} (HTTP_JOB_RESPONSE_MB)");
        if (payload.Body is not null && (verb == HttpMethod.Get || verb == HttpMethod.Head))
            return (null, $"body cannot be sent with {verb}");
        if (Statuses(payload.ExpectStatus) is not { } statuses)
            return (null, "expect_status is not a status from 100 to 599 or a list of such");
        foreach (var (name, value) in payload.Headers)
        {
            if (_refusedHeaders.Contains(name))
                return (null, $"the header {name} is the connection's own and cannot be set");
            if (!IsToken(name) || value is null || value.Any(c => char.IsControl(c) && c != '\t') || value.Any(c => c > '~'))
                return (null, "headers holds a name or value with characters that a header cannot have");
        }

        var headers = new Dictionary<string, string>(payload.Headers, StringComparer.OrdinalIgnoreCase);
        // The same for every attempt, so that a server that knows the header acts once.
        if (verb == HttpMethod.Post || verb == HttpMethod.Patch)
            headers.TryAdd("Idempotency-Key", $"{job.TraceId}-{job.Id}");
        return (new HttpCall
        {
            Url = url,
            Method = verb,
            Headers = headers,
            Body = payload.Body,
            Timeout = payload.TimeoutMs is { } ms ? TimeSpan.FromMilliseconds(ms) : options.Timeout,
            ExpectStatus = statuses,
            ResponseLimitBytes = payload.MaxResponseBytes ?? options.ResponseLimitBytes,
            MaxRedirects = payload.MaxRedirects ?? options.MaxRedirects,
            StoreResponse = payload.StoreResponse,
        }, null);
    }

    public bool Expects(int status) => ExpectStatus.Length == 0 ? status is >= 200 and <= 299 : ExpectStatus.Contains(status);

    public HttpRequestMessage Request()
    {
        var request = new HttpRequestMessage(Method, Url);
        if (Body is { } body)
        {
            var text = body.ValueKind == JsonValueKind.String ? body.GetString()! : body.GetRawText();
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
            var type = body.ValueKind == JsonValueKind.String ? "text/plain; charset=utf-8" : "application/json";
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        }

        foreach (var (name, value) in Headers)
        {
            if (request.Headers.TryAddWithoutValidation(name, value) || request.Content is null)
                continue;
            request.Content.Headers.Remove(name);
            request.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    /// <summary>The request that follows a redirect, by the rules of fetch: 303, and 301 or 302 after POST, become GET.</summary>
    public HttpCall Redirected(Uri target, int status)
    {
        var becomesGet = (status == 303 && Method != HttpMethod.Head) || (status is 301 or 302 && Method == HttpMethod.Post);
        var sameOrigin = Uri.Compare(Url, target, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;
        return this with
        {
            Url = target,
            Method = becomesGet ? HttpMethod.Get : Method,
            Body = becomesGet ? null : Body,
            Headers = sameOrigin ? Headers : Headers.Where(header => _openHeaders.Contains(header.Key)).ToDictionary(StringComparer.OrdinalIgnoreCase),
        };
    }

    private static HttpMethod? MethodOf(string text) =>
        text.Length <= 20 && IsToken(text) && text.ToUpperInvariant() is not ("CONNECT" or "TRACE") ? HttpMethod.Parse(text.ToUpperInvariant()) : null;

    private static bool IsToken(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal));

    private static int[]? Statuses(JsonElement? expected)
    {
        if (expected is not { } element)
            return [];
        JsonElement[] elements = element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray()] : [element];
        var statuses = elements.Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var status) ? status : 0).ToArray();
        return statuses.Length > 0 && statuses.All(status => status is >= 100 and <= 599) ? statuses : null;
    }
}
