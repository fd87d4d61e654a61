using System.Net;
using System.Text.Json;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Figma;

/// <summary>An answer, or how the job ends without one.</summary>
internal readonly record struct FigmaAnswer(SpooledContent? Content, JobOutcome? Ending);

/// <summary>
/// Asks the Figma REST API and turns its errors into outcomes. The token goes to the API alone: redirects of the API
/// are not followed, and images are fetched from where they lie without it.
/// </summary>
internal sealed class FigmaClient : IDisposable
{
    public const string TokenHeader = "X-Figma-Token";

    private readonly FigmaOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _api = Client(followRedirects: false);
    private readonly HttpMessageInvoker _storage = Client(followRedirects: true);

    public FigmaClient(FigmaOptions options, TimeProvider time) => (_options, _time) = (options, time);

    public bool HasToken => _options.ApiToken is not null;

    /// <param name="path">Below the API's base, with its query.</param>
    /// <param name="subject">For messages, such as <c>the file abc</c>.</param>
    public Task<FigmaAnswer> AskAsync(string path, string subject, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{_options.ApiBase.AbsoluteUri.TrimEnd('/')}/{path}"));
        request.Headers.TryAddWithoutValidation(TokenHeader, _options.ApiToken);
        return SendAsync(_api, request, subject, ofApi: true, cancellationToken);
    }

    /// <summary>Fetches a rendered image.</summary>
    public Task<FigmaAnswer> DownloadAsync(Uri url, string subject, CancellationToken cancellationToken) =>
        SendAsync(_storage, new HttpRequestMessage(HttpMethod.Get, url), subject, ofApi: false, cancellationToken);

    public void Dispose()
    {
        _api.Dispose();
        _storage.Dispose();
    }

    private static HttpMessageInvoker Client(bool followRedirects) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = followRedirects,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        ConnectTimeout = TimeSpan.FromSeconds(15),
    });

    private async Task<FigmaAnswer> SendAsync(HttpMessageInvoker client, HttpRequestMessage request, string subject, bool ofApi, CancellationToken cancellationToken)
    {
        using var own = request;
        using var deadline = new CancellationTokenSource(_options.Timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var response = await client.SendAsync(request, both.Token);
            if (response.StatusCode != HttpStatusCode.OK)
                return new FigmaAnswer(null, ofApi ? await RefusalAsync(response, subject, both.Token) : Missing(response, subject));
            var content = await SpooledContent.ReadAsync(response.Content, _options.ResponseLimitBytes, both.Token);
            return content is not null
                ? new FigmaAnswer(content, null)
                : new FigmaAnswer(null, new JobOutcome.Failed("figma_too_large", $"{subject} is larger than {_options.ResponseLimitBytes / (1024 * 1024)} MiB. Ask for a part of it (ids, depth), or raise FIGMA_RESPONSE_MB."));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new FigmaAnswer(null, new JobOutcome.Retry($"Figma had not answered for {subject} after {_options.Timeout.TotalSeconds:0.###} s. Raise FIGMA_TIMEOUT_SECONDS if that is often so."));
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException or IOException)
        {
            return new FigmaAnswer(null, new JobOutcome.Retry($"Figma could not be asked for {subject}: {Redacted(e.Message)}"));
        }
    }

    private async Task<JobOutcome> RefusalAsync(HttpResponseMessage response, string subject, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var said = await ErrorAsync(response, cancellationToken) is { } error ? $" It said: {Redacted(error)}." : "";
        return status switch
        {
            401 or 403 => new JobOutcome.Failed("figma_forbidden", $"Figma refused {subject} ({status}).{said} Check that FIGMA_API_TOKEN is valid, has the scope file_content:read, and belongs to someone who can open the file."),
            404 => new JobOutcome.Failed("figma_not_found", $"Figma knows no {subject.Replace("the ", "", StringComparison.Ordinal)}.{said} Check file_key: it is the part of the file's address after /design/ or /file/."),
            408 or 429 or >= 500 => new JobOutcome.Retry($"Figma answered {status} for {subject}.{said}", RetryAfter.Of(response, _time)),
            >= 300 and < 400 => new JobOutcome.Failed("figma_redirected", $"Figma's API answered {status} for {subject}, which is not followed since the token would go along. Check FIGMA_API_BASE."),
            _ => new JobOutcome.Failed("figma_refused", $"Figma answered {status} for {subject}.{said} Correct the payload."),
        };
    }

    // Where an image lies expires; the next attempt asks for a new address.
    private JobOutcome.Retry Missing(HttpResponseMessage response, string subject) =>
        new($"The storage that Figma named answered {(int)response.StatusCode} for {subject}.", RetryAfter.Of(response, _time));

    /// <summary>The API has two shapes: <c>{"status":404,"err":"Not found"}</c> and <c>{"error":true,"status":400,"message":"…"}</c>.</summary>
    private static async Task<string?> ErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await SpooledContent.ReadAsync(response.Content, 64 * 1024, cancellationToken);
        if (body is null)
            return null;
        try
        {
            var error = await JsonSerializer.DeserializeAsync<JsonElement>(body.Open(), cancellationToken: cancellationToken);
            return error.ValueKind == JsonValueKind.Object ? Text(error, "err") ?? Text(error, "message") : null;
        }
        catch (JsonException)
        {
            // A gateway in front of the API answers in HTML; the status has to do.
            return null;
        }
    }

    private static string? Text(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()!.TrimEnd('.') : null;

    private string Redacted(string text) =>
        _options.ApiToken is { } token ? text.Replace(token, "[redacted]", StringComparison.Ordinal) : text;
}
