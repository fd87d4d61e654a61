using Cogo.Core.Artifacts;
using Cogo.Core.Bus;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Cogo.Core.Jobs;

/// <summary>Registers the job queue.</summary>
public static class JobServices
{
    /// <summary>Adds <see cref="JobQueue"/> and <see cref="JobSchedules"/>. Wants an <see cref="NpgsqlDataSource"/>. Calling it twice adds nothing.</summary>
    public static IServiceCollection AddCogoJobs(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddCogoBus(configuration);
        services.TryAddSingleton<JobQueue>();
        services.TryAddSingleton<JobSchedules>();
        return services;
    }

    /// <summary>Adds <see cref="JobWorker"/>, which runs the registered <see cref="IJobHandler"/>s once it is started.</summary>
    /// <exception cref="FormatException">A setting cannot be read; see <see cref="JobSettings"/>.</exception>
    public static IServiceCollection AddCogoJobWorker(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddCogoJobs(configuration);
        services.TryAddSingleton(JobSettings.Read(configuration));
        services.TryAddSingleton<JobCatalog>();
        services.TryAddSingleton(provider => new JobWorker(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<MessageBus>(), provider.GetRequiredService<BusOptions>(),
            provider.GetRequiredService<JobOptions>(), provider.GetRequiredService<JobCatalog>(), provider.GetService<IArtifactStore>(),
            provider.GetRequiredService<ILoggerFactory>(), provider.GetRequiredService<TimeProvider>()));
        return services;
    }
}
