using Cogo.Core.Workspaces;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cogo.Core.Indexing;

/// <summary>Registers the code index.</summary>
public static class IndexingServices
{
    /// <summary>The scope to index by instead of the one that comes with Cogo: a path.</summary>
    public const string ScopeSetting = "COGO_KG_SCOPE";

    /// <summary>Adds what reads the index. Wants an <see cref="Npgsql.NpgsqlDataSource"/>. Calling it twice adds nothing.</summary>
    public static IServiceCollection AddCodeIndex(this IServiceCollection services)
    {
        services.TryAddSingleton<CodeIndex>();
        return services;
    }

    /// <summary>Adds <see cref="RepositoryIndexer"/>; analyzers are registered as <see cref="ILanguageAnalyzer"/>.</summary>
    /// <exception cref="FormatException">The scope cannot be used.</exception>
    public static IServiceCollection AddRepositoryIndexer(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(WorkspaceOptions.Read(configuration));
        services.TryAddSingleton<RepositoryCache>();
        services.TryAddSingleton(configuration[ScopeSetting] is { Length: > 0 } path ? KgScope.Load(path) : KgScope.Default);
        services.TryAddSingleton<RepositoryIndexer>();
        return services;
    }
}
