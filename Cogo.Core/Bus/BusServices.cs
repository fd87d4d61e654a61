using Cogo.Core.Audit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cogo.Core.Bus;

/// <summary>Registers the bus.</summary>
public static class BusServices
{
    /// <summary>
    /// Adds <see cref="MessageBus"/>, <see cref="IPublisher"/> and <see cref="IEventLog"/> of this process. Wants an
    /// <see cref="Npgsql.NpgsqlDataSource"/>. Calling it twice adds nothing; <see cref="BusOptions"/> added before it are kept.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read; see <see cref="BusSettings"/>.</exception>
    public static IServiceCollection AddCogoBus(this IServiceCollection services, IConfiguration? configuration = null)
    {
        services.TryAddSingleton(configuration is null ? new BusOptions() : BusSettings.Read(configuration));
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<MessageBus>();
        services.TryAddSingleton<IPublisher>(provider => provider.GetRequiredService<MessageBus>().Publisher);
        services.TryAddSingleton<IEventLog>(provider => provider.GetRequiredService<MessageBus>().Events);
        return services;
    }
}
