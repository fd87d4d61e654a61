using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Cogo.ServiceDefaults;

/// <summary>How an outgoing HTTP request is guarded.</summary>
public sealed record HttpResilienceOptions
{
    /// <summary>One attempt, up to the response's headers.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>All attempts and the waits between them.</summary>
    public TimeSpan TotalTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Attempts after the first.</summary>
    public int MaxRetries { get; init; } = 3;

    /// <summary>Wait before the second attempt; doubles from there, with jitter. A Retry-After header goes before it.</summary>
    public TimeSpan BaseDelay { get; init; } = TimeSpan.FromMilliseconds(200);
}

/// <summary>Timeouts and retries on an <see cref="HttpClient"/>.</summary>
public static class HttpResilience
{
    /// <summary>
    /// Adds an attempt timeout, a total timeout and retries with exponential backoff and jitter. Retried are connection
    /// failures, attempt timeouts, 408, 429 and 5xx, and only where repeating does no harm: GET, HEAD, OPTIONS, PUT,
    /// DELETE, or any request with an <c>Idempotency-Key</c> header.
    /// </summary>
    /// <exception cref="TimeoutRejectedException">Thrown by the client when the total timeout is over.</exception>
    public static IHttpClientBuilder AddCogoResilience(this IHttpClientBuilder builder, HttpResilienceOptions? options = null) =>
        builder.AddHttpMessageHandler(services =>
            new HttpResilienceHandler(options ?? new HttpResilienceOptions(), services.GetService<TimeProvider>() ?? TimeProvider.System));
}

/// <summary>The handler behind <see cref="HttpResilience.AddCogoResilience"/>, for a client made by hand.</summary>
public sealed class HttpResilienceHandler : DelegatingHandler
{
    private readonly ResiliencePipeline<HttpResponseMessage> _repeatable;
    private readonly ResiliencePipeline<HttpResponseMessage> _once;
    private readonly TimeProvider _time;

    public HttpResilienceHandler(HttpResilienceOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        _time = time;
        _once = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
            .AddTimeout(options.TotalTimeout)
            .Build();
        var repeatable = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }.AddTimeout(options.TotalTimeout);
        if (options.MaxRetries > 0)
        {
            repeatable.AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = options.MaxRetries,
                Delay = options.BaseDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = attempt => ValueTask.FromResult(IsTransient(attempt.Outcome)),
                DelayGenerator = attempt => ValueTask.FromResult(RetryAfter(attempt.Outcome.Result)),
            });
        }

        _repeatable = repeatable.AddTimeout(options.AttemptTimeout).Build();
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var pipeline = IsRepeatable(request) ? _repeatable : _once;
        return await pipeline.ExecuteAsync(
            async token => await base.SendAsync(request, token),
            cancellationToken);
    }

    // A stream can be read once, so a request that carries one cannot be sent again.
    private static bool IsRepeatable(HttpRequestMessage request) =>
        request.Content is not StreamContent
        && (request.Method == HttpMethod.Get || request.Method == HttpMethod.Head || request.Method == HttpMethod.Options
            || request.Method == HttpMethod.Put || request.Method == HttpMethod.Delete || request.Headers.Contains("Idempotency-Key"));

    private static bool IsTransient(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Exception: HttpRequestException or TimeoutRejectedException } => true,
        { Result: { } response } => response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            || (int)response.StatusCode >= 500,
        _ => false,
    };

    private TimeSpan? RetryAfter(HttpResponseMessage? response) => response?.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > _time.GetUtcNow() => date - _time.GetUtcNow(),
        _ => null,
    };
}
