using Cogo.Core.Audit;
using Cogo.Core.Jobs;
using Cogo.Workers.Jobs.Browser;
using Cogo.Workers.Jobs.Figma;
using Cogo.Workers.Jobs.Http;
using Cogo.Workers.Jobs.Notify;
using Cogo.Workers.Jobs.Pipeline;
using Cogo.Workers.Jobs.Shell;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Cogo.Workers.Jobs;

/// <summary>Registers the types of job that Cogo brings.</summary>
public static class JobTypeServices
{
    /// <summary>
    /// Adds <c>browser.*</c>, <c>figma.*</c>, <c>http.*</c>, <c>notify.webhook</c>, <c>pipeline.run</c> and <c>shell.run</c> as <see cref="IJobHandler"/>. Calling
    /// it twice adds nothing; options added before it are kept. The browser they share ends with the container, which
    /// must be disposed asynchronously.
    /// </summary>
    /// <exception cref="FormatException">A setting cannot be read.</exception>
    public static IServiceCollection AddCogoJobTypes(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddCogoBus(configuration);
        services.TryAddSingleton<TraceReader>();
        services.TryAddSingleton(JobTypeSettings.Browser(configuration));
        services.TryAddSingleton(JobTypeSettings.Figma(configuration));
        services.TryAddSingleton(JobTypeSettings.Http(configuration));
        services.TryAddSingleton(JobTypeSettings.Shell(configuration));
        services.TryAddSingleton(NotifySettings.Read(configuration));
        services.TryAddSingleton<WebhookClient>();
        services.TryAddSingleton<FigmaClient>();
        services.TryAddSingleton<HttpRunner>();
        services.TryAddSingleton<SharedBrowser>();
        Add<BrowserAssertJob>(services);
        Add<BrowserNavigateJob>(services);
        Add<BrowserScreenshotJob>(services);
        Add<BrowserScriptJob>(services);
        Add<FigmaFileJob>(services);
        Add<FigmaImageJob>(services);
        Add<HttpGetJob>(services);
        Add<HttpPostJob>(services);
        Add<HttpRequestJob>(services);
        Add<NotifyJob>(services);
        Add<PipelineRunJob>(services);
        Add<ShellRunJob>(services);
        return services;
    }

    private static void Add<THandler>(IServiceCollection services)
        where THandler : class, IJobHandler =>
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IJobHandler, THandler>());
}
