using Cogo.Core.Artifacts;
using Cogo.Core.Jobs;
using Cogo.Core.Workflows;
using Cogo.Workers.BuildTest;
using Cogo.Workers.Codegen;
using Cogo.Workers.Dispatcher;
using Cogo.Workers.Indexing;
using Cogo.Workers.Jobs;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cogo.Workers.Hosting;

/// <summary>Registers workers.</summary>
public static class WorkerServices
{
    /// <summary>Every role, each on shard 0.</summary>
    /// <exception cref="FormatException">A setting cannot be read; the message names it.</exception>
    public static IServiceCollection AddCogoWorkers(this IServiceCollection services, IConfiguration configuration) =>
        services.AddCogoWorkers(configuration, [.. WorkerRole.All.Select(role => role.Route)]);

    /// <summary>
    /// Adds the workers of the given routes and what they need, but for an <see cref="Npgsql.NpgsqlDataSource"/>.
    /// They read as soon as the host starts and hand back what they hold when it stops.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read, or no role reads a route.</exception>
    public static IServiceCollection AddCogoWorkers(this IServiceCollection services, IConfiguration configuration, IReadOnlyList<Route> routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        services.AddCogoBus(configuration);
        services.AddCogoArtifacts(configuration);
        services.AddCogoWorkflows(configuration);
        services.TryAddSingleton(DispatcherOptions.Read(configuration));
        services.TryAddSingleton<ExecutorDispatcher>();
        services.AddCodegen(configuration);
        services.TryAddSingleton(BuildTestSettings.Read(configuration));
        services.TryAddSingleton<BuildTestRunner>();
        services.TryAddSingleton<BuildTestHandler>();
        services.AddCogoIndexing(configuration);
        foreach (var route in routes)
        {
            var role = WorkerRole.Of(route) ?? throw new FormatException($"No worker reads {route}.");
            services.AddSingleton(new WorkerAssignment(route, role, role.Concurrency(configuration)));
            if (role.StoresArtifacts)
            {
                services.AddCogoArtifactCheck();
            }
        }

        services.TryAddSingleton<BusWorkers>();
        services.AddHostedService(provider => provider.GetRequiredService<BusWorkers>());
        services.AddHealthChecks().AddCheck<BusWorkersHealthCheck>("workers");
        return services;
    }

    /// <summary>
    /// Adds the job worker, which runs the registered <see cref="IJobHandler"/>s. Jobs of other types wait, visibly, for
    /// a worker that knows them.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read; see <see cref="JobSettings"/>.</exception>
    public static IServiceCollection AddCogoJobWorkers(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddCogoArtifacts(configuration).AddCogoArtifactCheck();
        services.AddCogoJobTypes(configuration);
        services.AddCogoJobWorker(configuration);
        services.TryAddSingleton<JobWorkers>();
        services.AddHostedService(provider => provider.GetRequiredService<JobWorkers>());
        services.AddHealthChecks().AddCheck<JobWorkersHealthCheck>("jobs");
        return services;
    }
}
