using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Cogo.Workers.Hosting;

/// <summary>Healthy when the queues of this process are read.</summary>
internal sealed class JobWorkersHealthCheck(JobWorkers workers) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(workers.Problem is { } problem ? HealthCheckResult.Unhealthy(problem) : HealthCheckResult.Healthy());
}
