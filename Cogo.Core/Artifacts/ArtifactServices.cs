using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace Cogo.Core.Artifacts;

/// <summary>Registers the artifact store and its index.</summary>
public static class ArtifactServices
{
    /// <summary>
    /// Adds <see cref="IArtifactStore"/> on the folder that <see cref="ArtifactOptions.BaseSetting"/> names, and
    /// <see cref="ArtifactIndex"/>. Wants an <see cref="NpgsqlDataSource"/>. Calling it twice adds nothing.
    /// </summary>
    public static IServiceCollection AddCogoArtifacts(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.TryAddSingleton(_ => configuration[ArtifactOptions.BaseSetting] is { Length: > 0 } folder
            ? new ArtifactOptions { BasePath = folder }
            : new ArtifactOptions());
        services.TryAddSingleton<LocalArtifactStore>();
        services.TryAddSingleton<IArtifactStore>(provider => provider.GetRequiredService<LocalArtifactStore>());
        services.TryAddSingleton<ArtifactIndex>();
        return services;
    }
}
