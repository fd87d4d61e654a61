using System.Net;
using Cogo.Core.Artifacts;
using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Http;

/// <summary>
/// Sends the request of an <c>http.*</c> job and judges the answer. Redirects are followed here and not by the client,
/// so that each target is checked and none sees headers meant for another origin. No proxy is used: the proxy would
/// resolve the name, and the check of the address would be of the proxy's.
/// </summary>
internal sealed class HttpRunner : IDisposable
{
    private const int InlineBytes = 16 * 1024;
    private const int SaidBytes = 300;

    private readonly HttpJobOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _client;

    public HttpRunner(HttpJobOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.All,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            ConnectCallback = (context, cancellationToken) => GuardedConnect.ConnectAsync(context.DnsEndPoint, options.AllowPrivate, cancellationToken),
        });
    }

    /// <param name="method">Null: the payload's.</param>
    public async Task<JobOutcome> RunAsync(JobContext job, HttpMethod? method, CancellationToken cancellationToken)
    {
        if (!JobPayload.TryRead<HttpJobPayload>(job, out var payload, out var failed))
            return failed;
        var (call, problem) = HttpCall.Of(payload, method, job, _options);
        if (call is null)
            return JobPayload.Fault(job, problem!);

        using var deadline = new CancellationTokenSource(call.Timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await SendAsync(job, call, both.Token, cancellationToken);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new JobOutcome.Retry($"{call.Shown} had not answered whole after {call.Timeout.TotalSeconds:0.###} s. Raise timeout_ms if it needs longer.");
        }
        catch (Exception e) when (Refused(e) is { } refused)
        {
            return new JobOutcome.Failed("address_refused", $"{call.Shown} was not sent: {refused.Message}");
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException or IOException)
        {
            return new JobOutcome.Retry($"{call.Shown} failed: {Redacted(call, e.InnerException is { } inner && e.Message.Length == 0 ? inner.Message : e.Message)}");
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<JobOutcome> SendAsync(JobContext job, HttpCall first, CancellationToken within, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        var call = first;
        for (var redirects = 0; ; redirects++)
        {
            using var request = call.Request();
            using var response = await _client.SendAsync(request, within);
            var status = (int)response.StatusCode;
            if (status is 301 or 302 or 303 or 307 or 308 && !first.ExpectStatus.Contains(status) && response.Headers.Location is { } location)
            {
                if (redirects == first.MaxRedirects)
                    return new JobOutcome.Failed("too_many_redirects", $"{first.Shown} was redirected more than {first.MaxRedirects} times. Ask for the last address, or raise max_redirects.");
                var target = new Uri(call.Url, location);
                if (target.Scheme is not ("http" or "https") || target.UserInfo.Length > 0 || (call.Url.Scheme == "https" && target.Scheme == "http"))
                    return new JobOutcome.Failed("redirect_refused", $"{first.Shown} was redirected to {target.Scheme}://{target.Authority}, which is not followed: it is not http or https, holds a password, or leaves https.");
                call = call.Redirected(target, status);
                continue;
            }

            await using var body = await SpooledContent.ReadAsync(response.Content, first.ResponseLimitBytes, within);
            if (body is null)
                return new JobOutcome.Failed("response_too_large", $"{first.Shown} answered with more than {first.ResponseLimitBytes} bytes. Ask for less, or raise max_response_bytes or HTTP_JOB_RESPONSE_MB.");
            if (!first.Expects(status))
                return await UnexpectedAsync(first, response, body, cancellationToken);
            return await SucceededAsync(job, first, call, response, body, redirects, started, cancellationToken);
        }
    }

    private async Task<JobOutcome> UnexpectedAsync(HttpCall call, HttpResponseMessage response, SpooledContent body, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var said = IsText(response) ? (await body.TextAsync(SaidBytes, cancellationToken)).ReplaceLineEndings(" ").Trim() : "";
        var reason = $"{call.Shown} answered {status} {response.ReasonPhrase}".TrimEnd() + (said.Length > 0 ? $": {Redacted(call, said)}" : ".");
        return status is 408 or 425 or 429 or >= 500
            ? new JobOutcome.Retry(reason, RetryAfter.Of(response, _time))
            : new JobOutcome.Failed("unexpected_status", reason + " Correct the request, or name the status in expect_status.");
    }

    private async Task<JobOutcome> SucceededAsync(
        JobContext job, HttpCall call, HttpCall last, HttpResponseMessage response, SpooledContent body, int redirects, long started, CancellationToken cancellationToken)
    {
        var inline = body.Bytes <= InlineBytes && IsText(response);
        var type = response.Content.Headers.ContentType?.ToString();
        Artifact? artifact = null;
        if (call.StoreResponse || (!inline && body.Bytes > 0))
            artifact = await job.SaveArtifactAsync(IsJson(response) ? "response.json" : "response", body.Open(), type ?? "application/octet-stream", cancellationToken);
        return new JobOutcome.Succeeded(new HttpJobResult(
            (int)response.StatusCode,
            last.Url.GetLeftPart(UriPartial.Path),
            redirects,
            type,
            response.Headers.ETag?.ToString(),
            body.Bytes,
            artifact?.Sha256,
            (long)_time.GetElapsedTime(started).TotalMilliseconds,
            inline ? Redacted(call, await body.TextAsync(InlineBytes, cancellationToken)) : null,
            artifact?.Path));
    }

    private static AddressRefusedException? Refused(Exception e) =>
        e as AddressRefusedException ?? (e.InnerException is null ? null : Refused(e.InnerException));

    // A server may echo what it was sent.
    private static string Redacted(HttpCall call, string text) =>
        call.Secrets.OrderByDescending(secret => secret.Length).Aggregate(text, (current, secret) => current.Replace(secret, "[redacted]", StringComparison.Ordinal))
            .Replace("\0", "\ufffd", StringComparison.Ordinal);

    private static bool IsJson(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType is { } type && (type.EndsWith("/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));

    private static bool IsText(HttpResponseMessage response) => IsJson(response)
        || response.Content.Headers.ContentType is { MediaType: { } type } content
            && content.CharSet?.Trim('"').ToUpperInvariant() is null or "UTF-8" or "US-ASCII"
            && (type.StartsWith("text/", StringComparison.OrdinalIgnoreCase) || type is "application/xml" or "application/x-www-form-urlencoded" or "application/javascript");
}
