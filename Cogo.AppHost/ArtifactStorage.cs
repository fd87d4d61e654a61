using Microsoft.Extensions.Configuration;

namespace Cogo.AppHost;

/// <summary>
/// Where the programs keep artifacts: in a bucket when <c>ARTIFACTS_S3_BUCKET</c> is set, else in one folder. The settings
/// are called as the programs' own variables; the keys are secret parameters.
/// </summary>
internal sealed class ArtifactStorage
{
    private const string Bucket = "ARTIFACTS_S3_BUCKET";

    private static readonly string[] Settings =
    [
        Bucket, "ARTIFACTS_S3_ENDPOINT", "ARTIFACTS_S3_PUBLIC_ENDPOINT", "ARTIFACTS_S3_REGION", "ARTIFACTS_S3_PREFIX", "ARTIFACTS_S3_PATH_STYLE", "ARTIFACTS_LINK_MINUTES",
    ];

    private readonly Dictionary<string, string> _variables;
    private readonly Dictionary<string, IResourceBuilder<ParameterResource>> _secrets = [];

    public ArtifactStorage(IDistributedApplicationBuilder builder)
    {
        var folder = builder.ExecutionContext.IsPublishMode ? "/app/artifacts" : Path.Combine(builder.AppHostDirectory, ".cogo", "artifacts");
        InBucket = IsInBucket(builder.Configuration);
        _variables = new Dictionary<string, string> { ["ARTIFACTS_BASE"] = folder };
        if (!InBucket)
        {
            return;
        }

        foreach (var name in Settings)
        {
            if (builder.Configuration[name] is { Length: > 0 } value)
            {
                _variables.Add(name, value);
            }
        }

        _secrets.Add("ARTIFACTS_S3_ACCESS_KEY_ID", builder.AddParameter("artifacts-s3-access-key-id", secret: true));
        _secrets.Add("ARTIFACTS_S3_SECRET_ACCESS_KEY", builder.AddParameter("artifacts-s3-secret-access-key", secret: true));
    }

    /// <summary>Nothing is shared but the bucket: no volume, no claim.</summary>
    public bool InBucket { get; }

    public static bool IsInBucket(IConfiguration configuration) => configuration[Bucket] is { Length: > 0 };

    /// <summary>Tells a program where artifacts are.</summary>
    public IResourceBuilder<ProjectResource> For(IResourceBuilder<ProjectResource> project)
    {
        foreach (var (name, value) in _variables)
        {
            project.WithEnvironment(name, value);
        }

        foreach (var (name, secret) in _secrets)
        {
            project.WithEnvironment(name, secret);
        }

        return project;
    }
}
