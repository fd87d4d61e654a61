using Cogo.Core.Jobs;

namespace Cogo.Workers.Jobs.Http;

/// <summary><c>http.get</c>: fetches a URL.</summary>
internal sealed class HttpGetJob(HttpRunner runner) : IJobHandler
{
    public string Type => "http.get";

    public Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken) => runner.RunAsync(job, HttpMethod.Get, cancellationToken);
}

/// <summary><c>http.post</c>: posts a body, with the same <c>Idempotency-Key</c> on every attempt.</summary>
internal sealed class HttpPostJob(HttpRunner runner) : IJobHandler
{
    public string Type => "http.post";

    public Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken) => runner.RunAsync(job, HttpMethod.Post, cancellationToken);
}

/// <summary><c>http.request</c>: the method is the payload's.</summary>
internal sealed class HttpRequestJob(HttpRunner runner) : IJobHandler
{
    public string Type => "http.request";

    public Task<JobOutcome> RunAsync(JobContext job, CancellationToken cancellationToken) => runner.RunAsync(job, method: null, cancellationToken);
}
