using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;

namespace Cogo.AppHost;

/// <summary>What the publisher leaves out of a compose file: health to wait for, the shared artifacts, confinement.</summary>
internal sealed class ComposeDeployment : Deployment
{
    private const string Artifacts = "artifacts";

    public ComposeDeployment(IDistributedApplicationBuilder builder)
        : base(builder.Configuration) => builder.AddDockerComposeEnvironment("compose")
            .WithDashboard(enabled: false)
            .ConfigureComposeFile(file =>
            {
                if (!ArtifactStorage.IsInBucket(builder.Configuration))
                {
                    file.AddVolume(new Volume { Name = Artifacts, Driver = "local" });
                }
            });

    public override IResourceBuilder<PostgresServerResource> Postgres(IResourceBuilder<PostgresServerResource> server) =>
        server.PublishAsDockerComposeService((_, service) => service.Healthcheck = new Healthcheck
        {
            Test = ["CMD-SHELL", "pg_isready -h 127.0.0.1"],
            Interval = "3s",
            Timeout = "5s",
            Retries = 40,
            StartPeriod = "5s",
        });

    public override void Once(IResourceBuilder<ProjectResource> project, string image)
    {
        Name(project, image);
        project.PublishAsDockerComposeService((_, service) =>
        {
            service.Image = ImageOf(image);
            if (service.DependsOn.TryGetValue("postgres", out var postgres))
            {
                postgres.Condition = "service_healthy";
            }

            Confine(service);
        });
    }

    public override void Service(IResourceBuilder<ProjectResource> project, string image, string readiness, int? outside = null)
    {
        Name(project, image);
        project.PublishAsDockerComposeService((_, service) =>
        {
            service.Image = ImageOf(image);
            service.Restart = "unless-stopped";
            if (outside is { } port)
            {
                service.Ports = [$"127.0.0.1:{port}:3000"];
            }

            if (!ArtifactsInBucket)
            {
                service.AddVolume(new Volume { Name = Artifacts, Type = "volume", Source = Artifacts, Target = "/app/artifacts" });
            }

            Confine(service);
        });
    }

    private static void Confine(Service service)
    {
        service.CapDrop = ["ALL"];
        service.SecurityOpt = ["no-new-privileges:true"];
        service.Tmpfs = ["/tmp"];
    }
}
