using Cogo.Core.Artifacts;
using Cogo.Core.Indexing;
using Cogo.Core.Workspaces;
using Cogo.Workers.Codegen.Engines;
using Cogo.Workers.Codegen.OpenAi;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cogo.Workers.Codegen;

/// <summary>Registers codegen.</summary>
public static class CodegenServices
{
    /// <summary>
    /// Adds <see cref="CodegenHandler"/>, its engines and what they stand on. Wants the bus (AddCogoBus) and an
    /// <see cref="Npgsql.NpgsqlDataSource"/>. Calling it twice adds nothing; options added before it are kept.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read.</exception>
    public static IServiceCollection AddCodegen(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(WorkspaceOptions.Read(configuration));
        services.TryAddSingleton<RepositoryCache>();
        services.AddCogoArtifacts(configuration);
        services.AddCodeIndex();

        services.TryAddSingleton(CodegenSettings.Codegen(configuration));
        services.TryAddSingleton(CodegenSettings.Command(configuration));
        services.TryAddSingleton(CodegenSettings.OpenAi(configuration));
        services.TryAddSingleton(CodegenSettings.CogoWorker(configuration));
        services.TryAddSingleton<CodeContextSource>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICodegenEngine, PatchEngine>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICodegenEngine, CommandEngine>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICodegenEngine, OpenAiEngine>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ICodegenEngine, CogoWorkerEngine>());
        services.TryAddSingleton<CodegenHandler>();
        return services;
    }
}
