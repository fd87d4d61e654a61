namespace Cogo.Core.Artifacts;

/// <summary>Where artifacts are kept.</summary>
public sealed record ArtifactOptions
{
    /// <summary>Setting, and environment variable, of <see cref="BasePath"/>.</summary>
    public const string BaseSetting = "ARTIFACTS_BASE";

    /// <summary>Folder of the local store; made when it is not there.</summary>
    public string BasePath { get; init; } = Path.Combine(".cogo", "artifacts");

    /// <summary>After this time the row's <c>expires_at</c> lets a clean-up remove the artifact. Null: kept for good.</summary>
    public TimeSpan? TimeToLive { get; init; }
}
