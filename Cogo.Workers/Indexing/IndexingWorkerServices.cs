using Cogo.Core.Indexing;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cogo.Workers.Indexing;

/// <summary>Registers indexing.</summary>
public static class IndexingWorkerServices
{
    /// <summary>Adds the indexer with its analyzers. Wants an <see cref="Npgsql.NpgsqlDataSource"/>. Calling it twice adds nothing.</summary>
    /// <exception cref="FormatException">A setting or the scope cannot be read.</exception>
    public static IServiceCollection AddCogoIndexing(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddRepositoryIndexer(configuration);
        services.TryAddSingleton(CtagsOptions.Read(configuration));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILanguageAnalyzer, CSharpAnalyzer>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILanguageAnalyzer, CtagsAnalyzer>());
        services.TryAddSingleton<IndexingHandler>();
        return services;
    }
}
