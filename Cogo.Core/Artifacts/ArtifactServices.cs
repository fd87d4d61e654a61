using Cogo.Core.Artifacts.S3;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Cogo.Core.Artifacts;

/// <summary>Registers the artifact store and its index.</summary>
public static class ArtifactServices
{
    /// <summary>
    /// Adds <see cref="IArtifactStore"/>, on S3 where <see cref="S3Options.BucketSetting"/> is set, else on the folder that
    /// <see cref="ArtifactOptions.BaseSetting"/> names, and <see cref="ArtifactIndex"/>. Wants an
    /// <see cref="NpgsqlDataSource"/>. Calling it twice adds nothing.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read, or one that goes with it is missing.</exception>
    public static IServiceCollection AddCogoArtifacts(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.TryAddSingleton(ArtifactOptions.Read(name => configuration[name]));
        services.TryAddSingleton<LocalArtifactStore>();
        if (S3Options.Read(name => configuration[name]) is { } s3)
        {
            services.TryAddSingleton(provider => new S3ArtifactStore(
                provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<ArtifactOptions>(), s3)
            {
                Before = provider.GetRequiredService<LocalArtifactStore>(),
            });
            services.TryAddSingleton<ArtifactStore>(provider => provider.GetRequiredService<S3ArtifactStore>());
        }
        else
        {
            services.TryAddSingleton<ArtifactStore>(provider => provider.GetRequiredService<LocalArtifactStore>());
        }

        services.TryAddSingleton<IArtifactStore>(provider => provider.GetRequiredService<ArtifactStore>());
        services.TryAddSingleton<ArtifactIndex>();
        return services;
    }

    /// <summary>Looks at the storage as the host starts, which fails with a sentence where it cannot be used. For programs that need it.</summary>
    public static IServiceCollection AddCogoArtifactCheck(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ArtifactStorageCheck>());
        return services;
    }

    /// <summary>The store that the settings name, outside of a host; to be disposed of when it is an <see cref="IDisposable"/>.</summary>
    /// <exception cref="FormatException">A setting cannot be read, or one that goes with it is missing.</exception>
    public static ArtifactStore Open(NpgsqlDataSource source, ArtifactOptions options, S3Options? s3)
    {
        var local = new LocalArtifactStore(source, options);
        return s3 is null ? local : new S3ArtifactStore(source, options, s3) { Before = local };
    }
}
