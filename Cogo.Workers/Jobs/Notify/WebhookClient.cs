using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Cogo.Core;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Notify;

/// <summary>An answer, or how the job ends without one.</summary>
/// <param name="Status">Of the answer; null: there was none.</param>
internal readonly record struct WebhookAnswer(JsonElement? Json, JobOutcome? Ending, int? Status);

/// <summary>How a delivery ended.</summary>
/// <param name="Status">Of the receiver's last answer; null: there was none.</param>
internal readonly record struct WebhookDelivery(JobOutcome Outcome, int? Status);

/// <summary>
/// Sends JSON to a webhook and turns what goes wrong into outcomes that name no address: it is a secret. Redirects are
/// not followed, since a secret would go along.
/// </summary>
internal sealed class WebhookClient(NotifyOptions options, TimeProvider time) : IDisposable
{
    /// <summary><c>t=&lt;seconds since 1970&gt;,v1=&lt;HMAC-SHA256 of "t.body", hex&gt;</c>.</summary>
    public const string SignatureHeader = "X-Cogo-Signature";

    private const int MostBytes = 4 * 1024 * 1024;

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        ConnectTimeout = TimeSpan.FromSeconds(15),
    });

    /// <summary>Posts a document; the result says which kind of webhook took it.</summary>
    public async Task<WebhookDelivery> PostAsync(string kind, Uri address, object document, JobContext job, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(document, CogoJson.Options);
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = Json(body) };
        if (kind == "http")
        {
            // The same on every attempt, so that a receiver can tell a repetition.
            request.Headers.TryAddWithoutValidation("Idempotency-Key", $"job:{job.Id.ToString(CultureInfo.InvariantCulture)}");
            if (options.SigningSecret is { } secret)
            {
                request.Headers.TryAddWithoutValidation(SignatureHeader, Signature(secret, time.GetUtcNow().ToUnixTimeSeconds(), body));
            }
        }

        var answer = await SendAsync(kind, request, cancellationToken);
        return new WebhookDelivery(answer.Ending ?? new JobOutcome.Succeeded(new { kind }), answer.Status);
    }

    /// <summary>Sends a request; what is not a success is an ending.</summary>
    public async Task<WebhookAnswer> SendAsync(string kind, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var own = request;
        using var deadline = new CancellationTokenSource(options.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var response = await _http.SendAsync(request, both.Token);
            var status = (int)response.StatusCode;
            if (status is >= 200 and < 300)
            {
                return new WebhookAnswer(await ReadAsync(response, both.Token), null, status);
            }

            return new WebhookAnswer(null, status is 408 or 429 or >= 500 || (status == 403 && response.Headers.TryGetValues("X-RateLimit-Remaining", out var left) && left.FirstOrDefault() == "0")
                ? new JobOutcome.Retry($"The {kind} webhook answered {status}.", RetryAfter.Of(response, time))
                : new JobOutcome.Failed("webhook_refused", $"The {kind} webhook answered {status}: check its address and what it allows."), status);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new WebhookAnswer(null, new JobOutcome.Retry($"The {kind} webhook had not answered after {options.Timeout.TotalSeconds:0.###} s."), null);
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException or IOException)
        {
            return new WebhookAnswer(null, new JobOutcome.Retry($"The {kind} webhook could not be reached ({(e as HttpRequestException)?.HttpRequestError.ToString() ?? e.GetType().Name})."), null);
        }
    }

    public static ByteArrayContent Json(byte[] body) =>
        new(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" } } };

    public static string Signature(string secret, long at, ReadOnlySpan<byte> body)
    {
        var time = at.ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.UTF8.GetBytes(time + "."), .. body];
        return $"t={time},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed))}";
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Null when it is empty or is not JSON: Slack answers <c>ok</c>.</summary>
    private static async Task<JsonElement?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await SpooledContent.ReadAsync(response.Content, MostBytes, cancellationToken);
        if (body is null || response.Content.Headers.ContentType?.MediaType is not { } type || !type.EndsWith("json", StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            return await JsonSerializer.DeserializeAsync<JsonElement>(body.Open(), cancellationToken: cancellationToken);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
