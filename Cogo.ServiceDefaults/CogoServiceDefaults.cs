using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Cogo.ServiceDefaults;

/// <summary>What every Cogo program has: telemetry, health checks and a clock.</summary>
public static class CogoServiceDefaults
{
    /// <summary>Tag of the checks that say whether the process itself is alive, as <c>/alive</c> reports them.</summary>
    public const string LiveTag = "live";

    /// <summary>
    /// Adds OpenTelemetry by OTLP (only when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set), health checks and
    /// <see cref="TimeProvider.System"/>. Call it first: what is added first is flushed last.
    /// </summary>
    public static TBuilder AddCogoServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        Telemetry.Add(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [LiveTag]);
        return builder;
    }

    /// <summary>
    /// Maps <c>/health</c> (ready: every check, Postgres among them; 503 when one fails) and <c>/alive</c>
    /// (the process answers; never asks the database).
    /// </summary>
    public static IEndpointRouteBuilder MapCogoHealth(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        endpoints.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = HealthResponse.WriteAsync }).DisableRateLimiting();
        endpoints.MapHealthChecks("/alive", new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains(LiveTag),
            ResponseWriter = HealthResponse.WriteAsync,
        }).DisableRateLimiting();
        return endpoints;
    }
}
