using Cogo.Core.Bus;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cogo.Core.Workflows;

/// <summary>Registers workflows.</summary>
public static class WorkflowServices
{
    /// <summary>
    /// Adds <see cref="WorkflowEngine"/>, <see cref="WorkflowReader"/>, <see cref="RunWatch"/> and <see cref="WorkflowMessageHandler"/>. Wants an
    /// <see cref="Npgsql.NpgsqlDataSource"/>. Calling it twice adds nothing; <see cref="WorkflowOptions"/> added before it are kept.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read.</exception>
    public static IServiceCollection AddCogoWorkflows(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddCogoBus(configuration);
        services.TryAddSingleton(WorkflowOptions.Read(configuration));
        services.TryAddSingleton<WorkflowReader>();
        services.TryAddSingleton<RunWatch>();
        services.TryAddSingleton<WorkflowEngine>();
        services.TryAddSingleton<WorkflowMessageHandler>();
        return services;
    }
}
