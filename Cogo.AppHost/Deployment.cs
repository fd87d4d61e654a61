using Microsoft.Extensions.Configuration;

namespace Cogo.AppHost;

/// <summary>
/// Where the application is published to, by the setting <c>Target</c>: <c>kubernetes</c>, <c>compose</c>, or nothing for
/// F5 and for azd, which brings its own. Images are named and tagged as build/Images.proj does it.
/// </summary>
internal abstract class Deployment
{
    private readonly string _registry;

    protected Deployment(IConfiguration configuration)
    {
        Tag = configuration["ImageTag"] ?? "v0.1.0";
        ArtifactsInBucket = ArtifactStorage.IsInBucket(configuration);
        _registry = configuration["ImageRegistry"] is { Length: > 0 } registry ? $"{registry.TrimEnd('/')}/" : "";
    }

    protected string Tag { get; }

    /// <summary>Programs share no folder.</summary>
    protected bool ArtifactsInBucket { get; }

    /// <exception cref="InvalidOperationException">There is no such target.</exception>
    public static Deployment Add(IDistributedApplicationBuilder builder)
    {
        var target = builder.Configuration["Target"];
        // The customisations are refused where there is no environment that they are for, so there is none in run mode.
        return builder.ExecutionContext.IsPublishMode ? target switch
        {
            null or "" => new Elsewhere(builder.Configuration),
            "kubernetes" => new KubernetesDeployment(builder),
            "compose" => new ComposeDeployment(builder),
            _ => throw new InvalidOperationException($"Target is '{target}': use kubernetes or compose, or leave it out for azd."),
        }
        : new Elsewhere(builder.Configuration);
    }

    /// <summary>The database server.</summary>
    public abstract IResourceBuilder<PostgresServerResource> Postgres(IResourceBuilder<PostgresServerResource> server);

    /// <summary>A program that runs to its end before the others start.</summary>
    public abstract void Once(IResourceBuilder<ProjectResource> project, string image);

    /// <summary>A program that stays.</summary>
    /// <param name="readiness">Path of its readiness check.</param>
    /// <param name="outside">Port on the host, where compose opens one.</param>
    public abstract void Service(IResourceBuilder<ProjectResource> project, string image, string readiness, int? outside = null);

    /// <summary>The image's full name.</summary>
    protected string ImageOf(string image) => $"{_registry}{image}:{Tag}";

    protected void Name(IResourceBuilder<ProjectResource> project, string image) => project.WithContainerBuildOptions(options =>
    {
        options.LocalImageName = image;
        options.LocalImageTag = Tag;
    });

    private sealed class Elsewhere(IConfiguration configuration) : Deployment(configuration)
    {
        public override IResourceBuilder<PostgresServerResource> Postgres(IResourceBuilder<PostgresServerResource> server) => server;

        public override void Once(IResourceBuilder<ProjectResource> project, string image) => Name(project, image);

        public override void Service(IResourceBuilder<ProjectResource> project, string image, string readiness, int? outside = null) => Name(project, image);
    }
}
