using System.Text.RegularExpressions;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace Cogo.AppHost;

/// <summary>
/// Corrects what the Kubernetes publisher of Aspire 13.1.3 writes so that it can be applied: secrets are read under the
/// names that values.yaml has, the migration is a Job, data are on claims, images are named, containers are confined.
/// Ports are numbers because every endpoint names its target port. deploy/helm/cogo has autoscaling and more.
/// </summary>
internal sealed partial class KubernetesDeployment : Deployment
{
    private const string Claim = "artifacts";
    private bool _claimed;

    public KubernetesDeployment(IDistributedApplicationBuilder builder)
        : base(builder.Configuration) => builder.AddKubernetesEnvironment("kubernetes").WithProperties(kubernetes =>
        {
            kubernetes.HelmChartName = "cogo";
            kubernetes.HelmChartVersion = "0.1.0";
            kubernetes.HelmChartDescription = "Cogo, as Cogo.AppHost wires it";
        });

    public override IResourceBuilder<PostgresServerResource> Postgres(IResourceBuilder<PostgresServerResource> server) =>
        server.PublishAsKubernetesService(resource =>
        {
            CorrectSecrets(resource);
            // The publisher's own claims come with a volume that has no source, which the API refuses.
            foreach (var volume in resource.Workload!.PodTemplate.Spec.Volumes)
            {
                volume.EmptyDir = null;
                volume.PersistentVolumeClaim = new PersistentVolumeClaimVolumeSourceV1 { ClaimName = $"postgres-{volume.Name}" };
                resource.AdditionalResources.Add(NewClaim($"postgres-{volume.Name}", "ReadWriteOnce", "20Gi"));
            }
        });

    public override void Once(IResourceBuilder<ProjectResource> project, string image)
    {
        Name(project, image);
        project.PublishAsKubernetesService(resource =>
        {
            CorrectSecrets(resource);
            var template = resource.Workload!.PodTemplate;
            Confine(template.Spec, image);
            template.Spec.RestartPolicy = "OnFailure";
            resource.Workload = null;
            resource.AdditionalResources.Add(new Job { Metadata = { Name = $"{project.Resource.Name}-job" }, Spec = new JobSpec { Template = template } });
        });
    }

    public override void Service(IResourceBuilder<ProjectResource> project, string image, string readiness, int? outside = null)
    {
        Name(project, image);
        project.PublishAsKubernetesService(resource =>
        {
            CorrectSecrets(resource);
            var pod = resource.Workload!.PodTemplate.Spec;
            Confine(pod, image);
            var container = pod.Containers[0];
            var port = container.Ports[0].ContainerPort;
            container.LivenessProbe = new ProbeV1 { HttpGet = new HttpGetActionV1 { Path = "/alive", Port = port, Scheme = "HTTP" }, FailureThreshold = 6 };
            container.ReadinessProbe = new ProbeV1 { HttpGet = new HttpGetActionV1 { Path = readiness, Port = port, Scheme = "HTTP" } };
            if (ArtifactsInBucket)
            {
                return;
            }

            pod.Volumes.Add(new VolumeV1 { Name = Claim, PersistentVolumeClaim = new PersistentVolumeClaimVolumeSourceV1 { ClaimName = Claim } });
            container.VolumeMounts.Add(new VolumeMountV1 { Name = Claim, MountPath = "/app/artifacts" });
            if (!_claimed)
            {
                _claimed = true;
                resource.AdditionalResources.Add(NewClaim(Claim, "ReadWriteMany", "50Gi"));
            }
        });
    }

    /// <summary>values.yaml holds a secret under the name of the variable it goes into; the templates ask by the parameter's.</summary>
    private static void CorrectSecrets(KubernetesResource resource)
    {
        if (resource.Secret is not { } secret)
        {
            return;
        }

        foreach (var (variable, template) in secret.StringData.ToList())
        {
            var section = resource.Name.Replace('-', '_');
            secret.StringData[variable] = DatabasePassword().Replace(
                WholeSecret().IsMatch(template) && !DatabasePassword().IsMatch(template) ? $"{{{{ .Values.secrets.{section}.{variable} }}}}" : template,
                "{{ .Values.secrets.postgres.POSTGRES_PASSWORD }}");
        }
    }

    private void Confine(PodSpecV1 pod, string image)
    {
        pod.AutomountServiceAccountToken = false;
        pod.SecurityContext = new PodSecurityContextV1
        {
            RunAsNonRoot = true,
            RunAsUser = 1654,
            RunAsGroup = 1654,
            FsGroup = 1654,
            FsGroupChangePolicy = "OnRootMismatch",
            SeccompProfile = new SeccompProfileV1 { Type = "RuntimeDefault" },
        };
        pod.Volumes.Add(new VolumeV1 { Name = "tmp", EmptyDir = new EmptyDirVolumeSourceV1 { Medium = "" } });
        pod.Volumes.Add(new VolumeV1 { Name = "work", EmptyDir = new EmptyDirVolumeSourceV1 { Medium = "" } });
        foreach (var container in pod.Containers)
        {
            container.Image = ImageOf(image);
            container.SecurityContext = new SecurityContextV1
            {
                AllowPrivilegeEscalation = false,
                ReadOnlyRootFilesystem = true,
                Capabilities = new CapabilitiesV1 { Drop = { "ALL" } },
            };
            container.VolumeMounts.Add(new VolumeMountV1 { Name = "tmp", MountPath = "/tmp" });
            container.VolumeMounts.Add(new VolumeMountV1 { Name = "work", MountPath = "/app/work" });
        }
    }

    private static PersistentVolumeClaim NewClaim(string name, string mode, string size) => new()
    {
        Metadata = { Name = name },
        Spec = new PersistentVolumeClaimSpecV1 { AccessModes = { mode }, Resources = new VolumeResourceRequirementsV1 { Requests = { ["storage"] = size } } },
    };

    [GeneratedRegex(@"\{\{ \.Values\.secrets\.[A-Za-z0-9_]+\.postgres_password \}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DatabasePassword();

    [GeneratedRegex(@"\A\{\{ \.Values\.secrets\.[A-Za-z0-9_.]+ \}\}\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WholeSecret();

    /// <summary>The publisher knows no Jobs.</summary>
    private sealed class Job() : BaseKubernetesResource("batch/v1", "Job")
    {
        public JobSpec Spec { get; set; } = new();
    }

    private sealed class JobSpec
    {
        public int BackoffLimit { get; set; } = 20;

        public PodTemplateSpecV1 Template { get; set; } = new();
    }
}
