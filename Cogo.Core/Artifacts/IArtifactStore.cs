namespace Cogo.Core.Artifacts;

/// <summary>A stored file. <paramref name="Path"/> is <c>&lt;task&gt;/&lt;stage&gt;/&lt;name&gt;</c>, as served below <c>/artifacts/</c>.</summary>
public sealed record Artifact(string Path, long Bytes, string Sha256);

/// <summary>
/// Where results are kept: the bytes in storage, a row in <c>public.artifacts</c>. Writing the same path again
/// replaces it, so that a repeated attempt leaves one copy.
/// </summary>
public interface IArtifactStore
{
    /// <summary>Stores the stream atomically: a reader sees the old file or the whole new one.</summary>
    /// <exception cref="ArgumentException">The path is absolute, holds <c>..</c> or characters outside <c>A-Z a-z 0-9 . _ - /</c>.</exception>
    Task<Artifact> SaveAsync(string path, Stream content, ArtifactContext context, CancellationToken cancellationToken);

    /// <summary>Null when there is no such artifact.</summary>
    Task<Stream?> OpenAsync(string path, CancellationToken cancellationToken);
}

/// <summary>What the row says beside the file itself.</summary>
public sealed record ArtifactContext(string TaskId, string TraceId, string ContentType);
